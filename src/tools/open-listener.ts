/** A listener of the configuration, by its role: for mail that comes, or for people who fetch theirs. */
import type { ListenerConfiguration } from '../config/configuration.ts'
import { listenForPop3, type PopListenerParts } from '../pop3/listener.ts'
import type { Doors } from '../runtime/doors.ts'
import { listenerMeter } from '../smtp/listener-meter.ts'
import { PacketReceiver } from '../qmtp/receiver.ts'
import { listen, type SmtpListener } from '../smtp/listener.ts'
import type { ListenerOptions, ListenerParts } from '../smtp/listener-parts.ts'
import type { ReceiverParts } from '../smtp/receiver.ts'
import type { ConnectionFacts } from '../smtp/policy.ts'
import { Recordings } from './open-recordings.ts'

export type OpenListenerParts = Omit<ListenerParts, 'meter'> &
  Pick<PopListenerParts, 'mailboxes'> & {
    readonly doors: PopListenerParts['doors'] & Pick<Doors, 'disk' | 'metrics'>
  }

/** @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
export function openListener(
  listener: ListenerConfiguration,
  parts: OpenListenerParts,
): Promise<SmtpListener> {
  const options = { ...listener, tls: listener.tls?.mode ?? ('off' as const) }
  const { role, record } = listener
  const meter = listenerMeter(parts.doors.metrics, listener.name)
  if (role === 'qmtp' || role === 'qmqp') {
    const receive = (whole: ReceiverParts) => new PacketReceiver(role, whole)
    return listen({ ...options, wordless: true }, { ...parts, meter, receive })
  }
  return role === 'pop3' || role === 'pop3s'
    ? listenForPop3(options, parts)
    : listenRecording(record, options, { ...parts, meter })
}

/** A listener whose dialogues may be kept. */
async function listenRecording(
  record: ListenerConfiguration['record'],
  options: ListenerOptions,
  parts: OpenListenerParts & Pick<ListenerParts, 'meter'>,
): Promise<SmtpListener> {
  if (record === undefined) return listen(options, parts)
  const recordings = new Recordings(record, parts.doors)
  const recording = { ...parts, record: (facts: ConnectionFacts) => recordings.record(facts) }
  const listener = await listen(options, recording)
  return {
    name: listener.name,
    address: listener.address,
    get sessions() {
      return listener.sessions
    },
    async close(graceMs) {
      await listener.close(graceMs)
      await recordings.close()
    },
  }
}

/** The listener that takes mail from everybody, where it has an address of the network. */
export function mxAmong(
  configured: readonly Pick<ListenerConfiguration, 'name' | 'role'>[],
  open: readonly Pick<SmtpListener, 'name' | 'address'>[],
): SmtpListener['address'] | undefined {
  const names = configured.filter(({ role }) => role === 'mx').map(({ name }) => name)
  return open.find(({ name, address }) => names.includes(name) && 'port' in address)?.address
}

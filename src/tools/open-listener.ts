/** A listener of the configuration, by its role: for mail that comes, or for people who fetch theirs. */
import type { ListenerConfiguration } from '../config/configuration.ts'
import { listenForPop3, type PopListenerParts } from '../pop3/listener.ts'
import type { Doors } from '../runtime/doors.ts'
import { listenerMeter } from '../smtp/listener-meter.ts'
import { listen, type SmtpListener } from '../smtp/listener.ts'
import type { ListenerParts } from '../smtp/listener-parts.ts'

export type OpenListenerParts = Omit<ListenerParts, 'meter'> &
  Pick<PopListenerParts, 'mailboxes'> & {
    readonly doors: PopListenerParts['doors'] & Pick<Doors, 'metrics'>
  }

/** @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
export function openListener(
  listener: ListenerConfiguration,
  parts: OpenListenerParts,
): Promise<SmtpListener> {
  const options = { ...listener, tls: listener.tls?.mode ?? ('off' as const) }
  const { role } = listener
  return role === 'pop3' || role === 'pop3s'
    ? listenForPop3(options, parts)
    : listen(options, { ...parts, meter: listenerMeter(parts.doors.metrics, listener.name) })
}

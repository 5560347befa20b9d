/** The SMTP transport with nothing real around it: the next hops, DNS, clock and net are a test's own. */
import type { PoolLimits } from '../delivery/transport/session-pool.ts'
import { smtpTransport, type SmtpOptions, type SmtpSettings } from '../delivery/transport/smtp.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import type { SmtpRoute } from '../mail/route.ts'
import type { Connection, Net, TlsOptions } from '../runtime/net.ts'
import { fakeClock } from './fake-clock.ts'
import { fakeDns, type FakeZones } from './fake-dns.ts'
import { fakeNet } from './fake-net.ts'
import { memoryMessage } from './memory-message.ts'
import { recordingLog } from './recording-log.ts'
import { scriptedHop, type HopOptions } from './scripted-hop.ts'

/** Where `relay` leads. */
export const address = '192.0.2.1'
export const relay: SmtpRoute = {
  transport: 'smtp',
  key: 'relay',
  lookup: 'host',
  host: address,
  port: 2525,
}
export const byMx: SmtpRoute = { ...relay, key: 'mx', lookup: 'mx', host: 'there.test', port: 25 }
export const hello = memoryMessage('Subject: hi\r\n\r\n.dot\r\nhello\r\n')

export interface Scene {
  /** By `address:port`; whoever is not there refuses. */
  readonly hosts?: Readonly<Record<string, (connection: Connection) => void>>
  readonly zones?: FakeZones
  readonly route?: SmtpRoute
  readonly message?: Message
  readonly envelope?: Partial<Envelope>
  readonly to?: readonly string[]
  /** Where equals are shuffled: what the dice say. */
  readonly settings?: Partial<SmtpSettings>
  readonly doors?: Pick<SmtpOptions, 'stsPolicies' | 'secureDns' | 'tlsSeen'>
  /** By default no session waits for a next message. */
  readonly pool?: () => Partial<PoolLimits>
  /** Addresses of this host. */
  readonly own?: readonly string[]
  readonly dice?: (bound: number) => number
}

export function stage({ hosts = {}, zones = {}, dice = (bound) => bound - 1, ...scene }: Scene) {
  const net = fakeNet()
  net.own = scene.own ?? []
  for (const [place, accepted] of Object.entries(hosts)) {
    const [, host = '', port] = /^(.*):(\d+)$/.exec(place) ?? []
    void net.listen({ address: { host, port: Number(port) }, accepted, failed: () => {} })
  }
  const calls: string[] = []
  const handshakes: TlsOptions[] = []
  const recorded: Net = {
    ...net,
    async connect(options) {
      if ('host' in options.address) calls.push(`${options.address.host}:${options.address.port}`)
      const connection = await net.connect(options)
      const startTls = connection.startTls.bind(connection)
      connection.startTls = (tls) => {
        handshakes.push(tls)
        return startTls(tls)
      }
      return connection
    },
  }
  const clock = fakeClock()
  const log = recordingLog()
  const transport = smtpTransport({
    net: recorded,
    clock,
    log,
    dns: fakeDns(zones),
    random: { bytes: (length) => new Uint8Array(length), integer: dice },
    ...scene.doors,
    settings: () => ({ helloName: 'here.test', ...scene.settings }),
    pool: () => ({ idleMs: 0, ...scene.pool?.() }),
  })
  const recipients = (scene.to ?? ['bob']).map((localPart) => ({
    mailbox: { localPart, domain: 'there.test' },
  }))
  const envelope: Envelope = {
    reversePath: { localPart: 'ann', domain: 'here.test' },
    recipients,
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
    ...scene.envelope,
  }
  const stop = new AbortController()
  const { message = hello, route = relay } = scene
  const delivery = { queueId: 'q1', message, envelope, recipients: envelope.recipients, route }
  const deliver = (other: Partial<typeof delivery> = {}) =>
    transport.deliver({ ...delivery, ...other }, stop.signal)
  return { net, calls, handshakes, clock, log, stop, transport, deliver, results: deliver() }
}

/** One next hop at the address of the relay. */
export async function meet(options: HopOptions = {}, scene: Scene = {}) {
  const hop = scriptedHop(options)
  const staged = stage({ hosts: { [`${address}:2525`]: hop.accepted }, ...scene })
  const results = await staged.results
  return { ...staged, hop, results, result: results[0] ?? nothing }
}

const nothing: DeliveryResult = { outcome: 'deferred', status: '4.0.0', text: 'nothing' }

/** Lets everything happen that needs no clock. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

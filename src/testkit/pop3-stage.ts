/** A POP3 listener with nothing real around it: net, disk, clock and policy are a test's own. */
import { isApopDigest } from '../mail/login-secret.ts'
import { processCounters } from '../runtime/node/counters.ts'
import type { MaildropTalk } from '../runtime/deliverer.ts'
import type { Connection } from '../runtime/net.ts'
import { listenForPop3, type PopListener, type PopListenerOptions } from '../pop3/listener.ts'
import type { ReceiverSettings } from '../smtp/policy.ts'
import { fakeClock, type FakeClock } from './fake-clock.ts'
import { fakeDisk, type FakeDisk } from './fake-disk.ts'
import { fakeNet, type FakeNet } from './fake-net.ts'
import { recordingLog } from './recording-log.ts'
import { scriptedPolicy, type ScriptedPolicy } from './scripted-policy.ts'
import { seededRandom } from './seeded-random.ts'

export interface Pop3Stage {
  readonly listener: PopListener
  readonly net: FakeNet
  readonly clock: FakeClock
  readonly disk: FakeDisk
  readonly policy: ScriptedPolicy
  readonly log: ReturnType<typeof recordingLog>
  dial(): Promise<Pop3Client>
}

export interface Pop3Client {
  readonly connection: Connection
  readonly closed: boolean
  /** Sends a line, and waits for the answer: its line, or with its lines and the dot. */
  say(line: string): Promise<string>
  send(text: string): void
  /** What the server has said and nobody has read, once it says no more. */
  heard(): Promise<string>
}

export interface Pop3StageOptions extends Partial<PopListenerOptions> {
  readonly settings?: Partial<ReceiverSettings>
  /** Of the user `joe`, whose Maildir a process of his serves. */
  readonly joes?: (signal: AbortSignal) => MaildropTalk
}

/** Users whose password is `secret`, and their files. */
export async function pop3Stage(
  files: Readonly<Record<string, string>> = {},
  options: Pop3StageOptions = {},
): Promise<Pop3Stage> {
  const net = fakeNet()
  const clock = fakeClock()
  const folders = { '/mail/bob/new/.k': '', '/mail/bob/cur/.k': '', '/mail/bob/tmp/.k': '' }
  const disk = fakeDisk({ ...folders, ...files })
  const { settings = { authWithoutTls: true }, joes, ...rest } = options
  const log = recordingLog()
  const policy = scriptedPolicy(
    {
      auth: (attempt) =>
        (attempt.mechanism === 'PLAIN' && attempt.password === 'secret') ||
        (attempt.mechanism === 'APOP' && isApopDigest('secret', attempt))
          ? { ruling: 'accept', user: attempt.user }
          : { ruling: 'reject', status: '5.7.8', text: 'no', close: false },
    },
    settings,
  )
  const tls = net.tlsContext({ certificate: '', key: '' })
  const listener = await listenForPop3(
    {
      name: 'pop3',
      address: { host: '192.0.2.1', port: 110 },
      tls: 'starttls',
      handshakeTimeoutMs: 30_000,
      maxConnections: 100,
      maxConnectionsPerAddress: 10,
      ...rest,
    },
    {
      policy,
      mailboxes: {
        async find(user) {
          if (user === 'joe' && joes !== undefined) return { talk: joes }
          return user === 'nobody'
            ? undefined
            : { path: `/mail/${user}`, comesWithMail: user !== 'old' }
        },
      },
      tls: () => tls,
      doors: {
        net,
        clock,
        disk,
        counters: processCounters(),
        process: { loadAverage: () => 9, descriptors: () => undefined },
        random: seededRandom(1),
        log,
      },
    },
  )
  const { address } = listener
  if ('inherited' in address) throw new Error('an inherited socket has an address here')
  const dial = async (): Promise<Pop3Client> =>
    client(await net.connect({ address, localAddress: '198.51.100.7', timeoutMs: 1_000 }))
  return { listener, net, clock, disk, policy, log, dial }
}

function client(connection: Connection): Pop3Client {
  let unread = ''
  let closed = false
  connection.attach({
    data: (chunk) => void (unread += chunk.toString('latin1')),
    ended: () => connection.end(),
    drained: () => {},
    closed: () => void (closed = true),
  })
  const heard = async (): Promise<string> => {
    for (let quiet = 0, before = unread; quiet < 20; quiet++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      if (unread !== before) quiet = 0
      before = unread
    }
    const said = unread
    unread = ''
    return said
  }
  return {
    connection,
    heard,
    send: (text) => void connection.write(text),
    async say(line) {
      connection.write(`${line}\r\n`)
      return heard()
    },
    get closed() {
      return closed
    },
  }
}

/** A receiver with nothing real around it: net, clock, queue and policy are a test's own. */
import type { Counters } from '../runtime/counters.ts'
import { processCounters } from '../runtime/node/counters.ts'
import type { Connection } from '../runtime/net.ts'
import { listen, type SmtpListener } from '../smtp/listener.ts'
import type { ListenerDoors, ListenerOptions, ListenerParts } from '../smtp/listener-parts.ts'
import type { Policy } from '../smtp/policy.ts'
import { flushQueue } from '../tools/flush-queue.ts'
import { fakeClock, type FakeClock } from './fake-clock.ts'
import { fakeNet, type FakeNet } from './fake-net.ts'
import { memoryQueue, type MemoryQueue } from './memory-queue.ts'
import { recordingLog } from './recording-log.ts'
import { scriptedPolicy, type ScriptedPolicy } from './scripted-policy.ts'
import { seededRandom } from './seeded-random.ts'

export interface SmtpStage {
  readonly listener: SmtpListener
  readonly net: FakeNet
  readonly clock: FakeClock
  readonly queue: MemoryQueue
  readonly policy: ScriptedPolicy
  readonly log: ReturnType<typeof recordingLog>
  /** A client at the door, its greeting not read yet. */
  dial(from?: string): Promise<StageClient>
  /** So much time goes by as a limit that is reached is given before it is looked at once more. */
  lookAgain(): Promise<void>
}

export interface StageClient {
  readonly connection: Connection
  /** What the server said and nobody has read; latin1. */
  readonly unread: string
  readonly closed: boolean
  /** In how many pieces the server's words came. */
  readonly pieces: number
  /** The next line without its CR LF. @throws when the server has nothing to say */
  line(): Promise<string>
  /** All lines of the next reply. */
  reply(): Promise<string>
  send(text: string): void
}

export interface StageOptions {
  readonly policy?: ScriptedPolicy
  /** Stands between receiver and policy, for instance to make it slow. */
  readonly through?: (policy: Policy) => Policy
  readonly listener?: Partial<ListenerOptions>
  readonly withoutCertificate?: boolean
  /** In place of the receiver of SMTP. */
  readonly receive?: NonNullable<ListenerParts['receive']>
  /** What the host says of itself; idle, and without a limit of descriptors, where absent. */
  readonly host?: ListenerDoors['process']
  readonly counters?: Counters
  /** One of its own, where absent. */
  readonly clock?: FakeClock
}

export async function smtpStage(options: StageOptions = {}): Promise<SmtpStage> {
  const net = fakeNet()
  const clock = options.clock ?? fakeClock()
  const log = recordingLog()
  const queue = memoryQueue(clock)
  const policy = options.policy ?? scriptedPolicy()
  const tls = net.tlsContext({ certificate: '', key: '' })
  const listener = await listen(
    {
      name: 'mx',
      address: { host: '192.0.2.1', port: 25 },
      maxConnections: 100,
      maxConnectionsPerAddress: 10,
      ...options.listener,
    },
    {
      policy: options.through?.(policy) ?? policy,
      queue,
      queueFlush: flushQueue(queue),
      ...(options.receive === undefined ? {} : { receive: options.receive }),
      tls: () => (options.withoutCertificate === true ? undefined : tls),
      doors: {
        net,
        clock,
        counters: options.counters ?? processCounters(),
        process: options.host ?? { loadAverage: () => 0, descriptors: () => undefined },
        random: seededRandom(1),
        log,
      },
    },
  )
  const { address } = listener
  if ('inherited' in address) throw new Error('an inherited socket has an address here')
  const dial = async (from = '198.51.100.7'): Promise<StageClient> =>
    stageClient(await net.connect({ address, localAddress: from, timeoutMs: 1_000 }))
  const lookAgain = async (): Promise<void> => {
    await settled()
    clock.advance(100)
  }
  return { listener, net, clock, queue, policy, log, dial, lookAgain }
}

/** Lets everything that can happen without time passing happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < patience; turn++) await nextTurn()
}

/** So many turns of the event loop are enough for any answer that waits for nothing but promises. */
const patience = 20

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

function stageClient(connection: Connection): StageClient {
  let unread = ''
  let closed = false
  let pieces = 0
  connection.attach({
    data(chunk) {
      unread += chunk.toString('latin1')
      pieces++
    },
    ended: () => connection.end(),
    drained: () => {},
    closed: () => void (closed = true),
  })
  const line = async (): Promise<string> => {
    for (let turn = 0; !unread.includes('\r\n'); turn++) {
      if (turn === patience * 10) throw new Error(closed ? 'closed' : 'the server says nothing')
      await nextTurn()
    }
    const end = unread.indexOf('\r\n')
    const text = unread.slice(0, end)
    unread = unread.slice(end + 2)
    return text
  }
  return {
    connection,
    line,
    async reply() {
      const lines = [await line()]
      while (lines.at(-1)?.[3] === '-') lines.push(await line())
      return lines.join('\n')
    },
    send: (text) => void connection.write(text),
    get unread() {
      return unread
    },
    get closed() {
      return closed
    },
    get pieces() {
      return pieces
    },
  }
}

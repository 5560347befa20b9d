/**
 * A whole chain without a receiver: sessions are played verb by verb as the receiver would, and each
 * answers with the reply that the client would read, so that a test looks like a dialogue.
 */
import { parseMailbox } from '../mail/address.ts'
import type { MailParameters, Recipient } from '../mail/envelope.ts'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'
import type { JsonObject } from '../mail/json.ts'
import type { Reply } from '../mail/reply.ts'
import type { ObjectionRuling } from '../mail/ruling.ts'
import type { Session, Transaction } from '../mail/session.ts'
import { objectionCode, type Stage } from '../mail/status.ts'
import { buildGeneration, type GenerationRequest } from '../filter/build-generation.ts'
import type { Thresholds } from '../filter/decision.ts'
import type { EntryConfig } from '../filter/entry.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import type { Generation } from '../filter/generation.ts'
import type { TransactionTap } from '../filter/session-recorder.ts'
import type { CrashWatch } from '../filter/crash-watch.ts'
import { FilterPolicy, type FilterPolicyParts } from '../filter/policy.ts'
import { StandIn } from '../filter/stand-in.ts'
import type { Plugin } from '../plugin/plugin.ts'
import { Receipt } from '../queue/receipt.ts'
import type {
  ConnectionFacts,
  MessageEvent,
  RuledPlacement,
  SessionEnd,
  SessionPolicy,
  WholeRuling,
} from '../smtp/policy.ts'
import { ArchiveTraceSearch } from '../trace/archive-search.ts'
import { describeRecord } from '../trace/describe-record.ts'
import type { Story } from '../trace/story.ts'
import type { FakeClock } from './fake-clock.ts'
import { fakeDoors } from './fake-doors.ts'
import { memoryArchive, type MemoryArchive } from './memory-archive.ts'
import { memoryFiles, type MemoryFiles } from './memory-files.ts'
import { memoryMessage } from './memory-message.ts'
import type { MemoryStore } from './memory-store.ts'
import { silenceOf } from './plugin-under-test.ts'
import type { ReadableMetrics } from './readable-metrics.ts'
import type { recordingLog } from './recording-log.ts'
import { seededRandom } from './seeded-random.ts'

export interface ChainTestOptions {
  readonly entries: readonly EntryConfig[]
  readonly thresholds?: Thresholds
  readonly thresholdRules?: GenerationRequest['thresholdRules']
  readonly tagging?: GenerationRequest['tagging']
  readonly parallel?: number
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  /** What tcp.smtp says, by the client's address. */
  readonly environmentOf?: (address: string) => {
    readonly environment: Environment
    readonly denied: boolean
  }
  readonly receiver?: JsonObject
  /** `mx`, and `submission` with a certificate, where absent. */
  readonly listeners?: GenerationRequest['listeners']
  readonly doors?: Partial<ChainDoors>
  /** Told of what is over. */
  readonly tap?: TransactionTap
  readonly crashWatch?: CrashWatch
  readonly tlsProblem?: FilterPolicyParts['tlsProblem']
}

export interface ChainUnderTest {
  readonly policy: FilterPolicy
  readonly clock: FakeClock
  readonly log: ReturnType<typeof recordingLog>
  readonly store: MemoryStore
  readonly files: MemoryFiles
  readonly metrics: ReadableMetrics
  /** A client that has connected and said nothing yet. `answers`: whether each recipient is answered after a message. */
  dial(facts?: Partial<ConnectionFacts>, answers?: MessageEvent['answers']): TestSession
  /** Another configuration with the same doors. */
  build(options: Pick<ChainTestOptions, 'entries' | 'thresholds'>): Generation
  readonly archive: MemoryArchive
  trace(which?: string): Promise<Story | undefined>
}

/** Replies as the client reads them: `250`, `550 5.7.1 Relaying denied`. */
export interface TestSession {
  readonly policy: SessionPolicy
  /** What the last `message` committed. */
  readonly placements: readonly RuledPlacement[]
  connect(): Promise<string>
  hello(name?: string): Promise<string>
  login(user: string, password?: string): Promise<string>
  mail(reversePath?: string, parameters?: MailParameters): Promise<string>
  rcpt(recipient: string): Promise<string>
  data(): Promise<string>
  /** DATA, the message, and the reply to it; `dot` alone where DATA has been said. */
  message(text?: string | Uint8Array): Promise<string>
  dot(text?: string | Uint8Array): Promise<string>
  /** What each recipient was told after the last message, where that differed. */
  readonly replies: readonly string[]
  reset(): void
  end(reason?: SessionEnd): void
}

/** An entry as the configuration would have it; what is not said is as by default. */
export function entryOf(
  plugin: Plugin,
  config: Partial<Omit<EntryConfig, 'plugin'>> = {},
): EntryConfig {
  return {
    name: plugin.name,
    plugin,
    mode: 'enforce',
    first: false,
    options: undefined,
    place: { file: 'test', path: ['chain'], lineOf: () => undefined },
    ...config,
  }
}

/** @throws Error with all mistakes, where the chain would not get through `postern check` */
export function chainUnderTest(options: ChainTestOptions): ChainUnderTest {
  const { clock, log, store, metrics, doors } = fakeDoors(options.doors)
  const files = memoryFiles(options.files)
  const build: ChainUnderTest['build'] = ({ entries, thresholds }) =>
    generationOf({
      entries,
      doors,
      resources: files,
      thresholds: thresholds ?? {},
      ...(options.thresholdRules === undefined ? {} : { thresholdRules: options.thresholdRules }),
      ...(options.tagging === undefined ? {} : { tagging: options.tagging }),
      ...(options.parallel === undefined ? {} : { parallel: options.parallel }),
      receiver: {
        version: '1.2.3',
        options: options.receiver,
        place: { file: 'test', path: ['receiver'], lineOf: () => undefined },
        defaults: { hostname: 'mx.postern.test' },
      },
      listeners: options.listeners ?? [
        { name: 'mx', tls: false },
        { name: 'submission', tls: true },
      ],
    })
  const archive = memoryArchive(describeRecord)
  const search = new ArchiveTraceSearch(archive)
  const nothingSaid = { environment: emptyEnvironment, denied: false }
  const policy = new FilterPolicy({
    generation: build(options),
    environmentOf: ({ remote }) => options.environmentOf?.(remote.address) ?? nothingSaid,
    clock,
    log,
    traces: archive,
    standIn: new StandIn(seededRandom(2).bytes(32)),
    crashWatch: options.crashWatch,
    ...(options.tap === undefined ? {} : { tap: options.tap }),
    ...(options.tlsProblem === undefined ? {} : { tlsProblem: options.tlsProblem }),
  })
  let sessions = 0
  return {
    policy,
    clock,
    log,
    store,
    archive,
    files,
    metrics,
    build,
    trace: (which = 'last') => search.read(which),
    dial: (facts, answers = 'one') =>
      playSession(
        policy,
        {
          id: `s${++sessions}`,
          startedAt: clock.now(),
          listener: 'mx',
          remote: { address: '192.0.2.1', port: 40_000 },
          local: { address: '192.0.2.25', port: 25 },
          ...facts,
        },
        answers,
      ),
  }
}

function generationOf(request: GenerationRequest): Generation {
  const built = buildGeneration(request)
  if (built.ok) return built.generation
  throw new Error(
    built.mistakes.map(({ key, problem, remedy }) => `${key}: ${problem}; ${remedy}`).join('\n'),
  )
}

type Open<T> = { -readonly [K in keyof T]: T[K] }

function playSession(
  policy: FilterPolicy,
  facts: ConnectionFacts,
  answers: MessageEvent['answers'],
): TestSession {
  const asked = policy.open(facts)
  const session: Open<Session> = {
    ...facts,
    hostname: asked.settings.hostname,
    environment: asked.environment,
  }
  let transaction: (Transaction & { readonly recipients: Recipient[] }) | undefined
  let transactions = 0
  let placements: readonly RuledPlacement[] = []
  let replies: readonly Reply[] = []

  const opened = (): NonNullable<typeof transaction> => {
    if (transaction === undefined) throw new Error('there is no transaction')
    return transaction
  }
  const over = (
    end: 'refused' | 'reset' | 'aborted',
    stage: Stage,
    ruling?: ObjectionRuling,
  ): void => {
    if (transaction === undefined) return
    const said = ruling === undefined ? undefined : replyTo(stage, ruling)
    asked.transactionEnded(transaction, {
      end,
      ...(said === undefined ? {} : { reply: said }),
      ...(replies.length === 0 ? {} : { replies }),
    })
    transaction = undefined
  }

  return {
    policy: asked,
    get placements() {
      return placements
    },
    get replies() {
      return replies.map(({ code, status = '', lines }) => `${code} ${status} ${lines[0]}`)
    },
    async connect() {
      return spoken('connect', '220', await asked.connect({ session, silence: silenceOf() }))
    },
    async hello(name = 'client.test') {
      over('reset', 'hello')
      session.hello = { verb: 'EHLO', name }
      return spoken('hello', '250', await asked.hello({ session }))
    },
    async login(user, password = 'secret') {
      const ruling = await asked.auth({ session, mechanism: 'PLAIN', user, password })
      if (ruling.ruling !== 'accept') return spoken('auth', '235', ruling)
      session.user = ruling.user
      session.environment = asked.environment
      return '235'
    },
    async mail(reversePath = 'alice@client.test', parameters = {}) {
      const id = `${facts.id}.${++transactions}`
      const path = reversePath === '' ? null : recipientOf(reversePath).mailbox
      const event = { transactionId: id, session, reversePath: path, parameters }
      const ruling = await asked.mail(event)
      if (ruling.ruling === 'pass') {
        const { startedAt } = facts
        transaction = { id, session, startedAt, reversePath: path, parameters, recipients: [] }
      }
      return spoken('mail', '250', ruling)
    },
    async rcpt(address) {
      const recipient = recipientOf(address)
      const ruling = await asked.rcpt({ transaction: opened(), recipient })
      if (ruling.ruling === 'pass') opened().recipients.push(recipient)
      return spoken('rcpt', '250', ruling)
    },
    async data() {
      const ruling = await asked.data({ transaction: opened() })
      if (ruling.ruling !== 'pass') over('refused', 'data', ruling)
      return spoken('data', '354', ruling)
    },
    async message(text) {
      const reply = await this.data()
      return reply === '354' ? this.dot(text) : reply
    },
    async dot(text: string | Uint8Array = 'Subject: test\r\n\r\nHello.\r\n') {
      const current = opened()
      const message = memoryMessage(text)
      const ruled = await asked.message({
        transaction: current,
        message,
        head: message.bytes.subarray(0, message.bodyOffset),
        entering: () => [],
        answers,
      })
      const each = ruled.ruling === 'each' ? ruled.recipients : []
      replies = each.map((one) =>
        one.ruling === 'pass' ? taken : replyTo('message', { ...one, close: false }),
      )
      const ruling = ruled.ruling === 'each' ? inTurn(ruled.whole) : ruled
      if (ruling.ruling !== 'commit') {
        over('refused', 'message', ruling)
        return spoken('message', '250', ruling)
      }
      placements = ruling.placements
      const [first, ...others] = ruling.placements.map((_, index) => `${current.id}.q${index + 1}`)
      const receipt = new Receipt([first ?? '', ...others], facts.startedAt)
      const several = replies.length === 0 ? {} : { replies }
      asked.transactionEnded(current, { end: 'committed', reply: taken, receipt, ...several })
      transaction = undefined
      return '250'
    },
    reset: () => over('reset', 'mail'),
    end(reason = 'quit') {
      over('aborted', 'mail')
      asked.sessionEnded(reason)
    },
  }
}

const taken: Reply = { code: 250, status: '2.0.0', lines: ['queued'] }

/** As the reply behind those to each recipient says it: the session does not end before. */
function inTurn(ruling: WholeRuling): WholeRuling {
  return ruling.ruling === 'commit' ? ruling : { ...ruling, close: false }
}

function replyTo(stage: Stage, { status, text, close }: ObjectionRuling) {
  return { code: objectionCode({ stage, status, close }), status, lines: [text] } as const
}

function spoken(
  stage: Stage,
  passed: string,
  ruling: ObjectionRuling | { readonly ruling: 'pass' | 'accept' | 'commit' },
): string {
  if (ruling.ruling !== 'defer' && ruling.ruling !== 'reject') return passed
  const { code, status, lines } = replyTo(stage, ruling)
  return `${code} ${status} ${lines[0]}`
}

function recipientOf(address: string): Recipient {
  const mailbox = parseMailbox(address, { smtputf8: true, barePostmaster: true })
  if (mailbox === undefined) throw new Error(`${address} is no address`)
  return { mailbox }
}

/**
 * One plugin, asked stage by stage as the chain would ask it, with doors that the test owns. What it
 * answers is held against the contract; what the chain would call a fault fails the test.
 */
import { parseMailbox } from '../mail/address.ts'
import type { MailParameters, Recipient, ReversePath } from '../mail/envelope.ts'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'
import type { JsonObject } from '../mail/json.ts'
import type { LoginGrant, LoginSecret, LoginVariables } from '../mail/login-secret.ts'
import type { Message } from '../mail/message.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type { Silence } from '../mail/silence.ts'
import { buildGeneration } from '../filter/build-generation.ts'
import { stageOf, type AskedPlace, type Events, type Question } from '../filter/entry.ts'
import type { Generation } from '../filter/generation.ts'
import { Inquiry } from '../filter/inquiry.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import type { Step } from '../filter/step.ts'
import type { Finding } from '../plugin/finding.ts'
import type { Doubt, Lesson, LoginEnd, Plugin, SignatureField } from '../plugin/plugin.ts'
import type { FaultOutcome } from '../plugin/stage.ts'
import { pass, type AnyVerdict } from '../plugin/verdict.ts'
import type { FakeClock } from './fake-clock.ts'
import { fakeDoors } from './fake-doors.ts'
import { memoryFiles, type MemoryFiles } from './memory-files.ts'
import { memoryMessage } from './memory-message.ts'
import type { MemoryStore } from './memory-store.ts'
import type { ReadableMetrics } from './readable-metrics.ts'
import type { recordingLog } from './recording-log.ts'

export interface PluginTestOptions {
  /** As in the configuration file. */
  readonly options?: JsonObject
  /** What the entry says of faults; absent: what the plugin itself does. */
  readonly onFault?: FaultOutcome
  /** Variables that a tcp.smtp rule set for the client. */
  readonly environment?: Readonly<Record<string, string>>
  /** Files of the configuration folder. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  /** Findings of plugins that would stand before it. */
  readonly findings?: readonly Finding[]
  /** What is to be otherwise with the session. */
  readonly session?: Partial<Session>
  /** Doors of the test's own making, in place of the fakes. */
  readonly doors?: Partial<ChainDoors>
}

/** What a question is about; what is not given is ordinary. Addresses are written `local-part@domain`. */
export interface About {
  readonly session?: Partial<Session>
  /** At `connect`: the client speaks so long after it has come, though it has not been greeted; never, where absent. */
  readonly speaksAfterMs?: number
  /** Empty: the null path. */
  readonly reversePath?: string
  readonly parameters?: MailParameters
  /** Those accepted so far. */
  readonly recipients?: readonly string[]
}

export interface PluginUnderTest {
  readonly clock: FakeClock
  readonly log: ReturnType<typeof recordingLog>
  /** What the plugin keeps lies in tables named `entry/<plugin>/<table>`. */
  readonly store: MemoryStore
  readonly files: MemoryFiles
  /** What the plugin counts is named `postern_plugin_<plugin>_<name>`. */
  readonly metrics: ReadableMetrics
  connect(about?: About): Promise<AnyVerdict>
  hello(name: string, about?: About): Promise<AnyVerdict>
  auth(user: string, about?: About): Promise<AnyVerdict>
  /** Whether its back end knows the login; what the last one that it knew brings is in `variables`. */
  verify(user: string, password: string, about?: About): Promise<boolean>
  readonly variables: LoginVariables
  /** What its back end knows of a user's password. */
  secretFor(user: string, about?: About): Promise<LoginSecret | undefined>
  checkResponse(
    user: string,
    response: { readonly challenge: string; readonly digest: string },
    about?: About,
  ): Promise<boolean>
  checkApop(
    user: string,
    response: { readonly challenge: string; readonly digest: string },
    about?: About,
  ): Promise<boolean>
  /** Tells it how a login by PLAIN ended. @param denied as `LoginEnd`; of a rejected one absent means true */
  loginEnded(
    user: string,
    outcome: LoginEnd['outcome'],
    about?: About & Partial<Pick<LoginEnd, 'denied'>>,
  ): Promise<void>
  mail(reversePath: string, about?: About): Promise<AnyVerdict>
  rcpt(recipient: string, about?: About): Promise<AnyVerdict>
  data(about?: About): Promise<AnyVerdict>
  /** @param message as received, with CRLF line ends */
  message(message: string | Message, about?: About): Promise<AnyVerdict>
  /** What it adds above a message that is taken. @param message as it would be committed */
  sign(message: string | Message, about?: About): Promise<readonly SignatureField[]>
  /** What it would tell `postern check`. */
  check(): Promise<readonly Doubt[]>
  /** What it says of what it depends on. */
  probe(signal?: AbortSignal): Promise<string | undefined>
  learn(
    message: string | Message,
    as: Lesson['as'],
    who?: { readonly recipient?: string; readonly signal?: AbortSignal },
  ): Promise<void>
  /** The session is over. */
  sessionEnded(about?: About): void
  open(): Promise<void>
  close(): Promise<void>
}

/** @throws Error with all mistakes, where the plugin or its options would not get through `postern check` */
export function pluginUnderTest(plugin: Plugin, options: PluginTestOptions = {}): PluginUnderTest {
  const { clock, log, store, metrics, doors } = fakeDoors(options.doors)
  const files = memoryFiles(options.files)
  const generation = generationOf(plugin, {
    doors,
    files,
    options: options.options,
    ...(options.onFault === undefined ? {} : { onFault: options.onFault }),
  })
  // In a test it need not be opened for its gauges to be seen.
  for (const { numbers } of generation.entries) numbers.show()
  const inquiry = new Inquiry(generation, { clock, log })
  inquiry.environment = environmentOf(options.environment)
  inquiry.findings.keep(options.findings ?? [], 'connect', false)
  const base = sessionOf(clock, inquiry.environment, options.session)

  const ask = async <Q extends Question>(
    places: readonly AskedPlace<Q>[],
    event: Events[Q],
  ): Promise<AnyVerdict> => {
    const [place] = places
    if (place === undefined) return pass()
    const about: { session?: Session; transaction?: Transaction } = event
    inquiry.begin(stageOf(place.question), about.transaction?.session ?? about.session ?? base)
    const recipients = about.transaction?.recipients.length ?? 0
    return verdictOf(await inquiry.ask(place, event, { recipients }))
  }
  const { places } = generation
  let variables: LoginVariables = new Map()
  const keepGrant = (grant: LoginGrant): void => void (variables = grant.variables ?? new Map())
  // The same object for the same session, as in a gateway: plugins count by it.
  const sessions = new WeakMap<Partial<Session>, Session>()
  const sessionIn = ({ session }: About = {}): Session => {
    if (session === undefined) return base
    const known = sessions.get(session) ?? { ...base, ...session }
    sessions.set(session, known)
    return known
  }
  const transactionIn = (about: About = {}): Transaction => ({
    id: 'test.1',
    session: sessionIn(about),
    startedAt: clock.now(),
    reversePath: reversePathOf(about.reversePath ?? 'alice@client.test'),
    parameters: about.parameters ?? {},
    recipients: (about.recipients ?? ['bob@postern.test']).map(recipientOf),
  })

  return {
    clock,
    log,
    store,
    files,
    metrics,
    connect: (about) =>
      ask(places.connect, { session: sessionIn(about), silence: silenceOf(about?.speaksAfterMs) }),
    hello(name, about) {
      const session = sessionIn(about)
      return ask(places.hello, { session: { ...session, hello: { verb: 'EHLO', name } } })
    },
    get variables() {
      return variables
    },
    auth: (user, about) =>
      ask(places.auth, { session: sessionIn(about), mechanism: 'PLAIN', user }),
    async verify(user, password, about) {
      variables = new Map()
      const event = { session: sessionIn(about), user, password, keep: keepGrant }
      return (await ask(places.verify, event)).verdict === 'accept'
    },
    async secretFor(user, about) {
      let secret: LoginSecret | undefined
      const keep = (kept: LoginSecret): void => void (secret = kept)
      await ask(places.secretFor, { session: sessionIn(about), user, keep })
      return secret
    },
    async checkResponse(user, response, about) {
      const event = { session: sessionIn(about), user, ...response, keep: keepGrant }
      return (await ask(places.checkResponse, event)).verdict === 'accept'
    },
    async checkApop(user, response, about) {
      const event = { session: sessionIn(about), user, ...response, keep: keepGrant }
      return (await ask(places.checkApop, event)).verdict === 'accept'
    },
    async loginEnded(user, outcome, about) {
      const { denied = outcome === 'rejected' } = about ?? {}
      const event = { session: sessionIn(about), mechanism: 'PLAIN', user, outcome, denied }
      await ask(places.loginEnded, event)
    },
    mail: (reversePath, about = {}) =>
      ask(places.mail, {
        session: sessionIn(about),
        reversePath: reversePathOf(reversePath),
        parameters: about.parameters ?? {},
      }),
    rcpt: (recipient, about) =>
      ask([...places.allowing, ...places.rcpt], {
        transaction: transactionIn({ recipients: [], ...about }),
        recipient: recipientOf(recipient),
      }),
    data: (about) => ask(places.data, { transaction: transactionIn(about) }),
    message: (message, about) =>
      ask(places.message, {
        transaction: transactionIn(about),
        message: typeof message === 'string' ? memoryMessage(message) : message,
      }),
    async sign(message, about) {
      const verdict = await ask(places.sign, {
        transaction: transactionIn(about),
        message: typeof message === 'string' ? memoryMessage(message) : message,
      })
      return (verdict.headerEdits ?? []).flatMap((edit) =>
        edit.edit === 'prepend' ? [{ name: edit.name, value: edit.value }] : [],
      )
    },
    async check() {
      return (await generation.entries[0]?.instance.check?.()) ?? []
    },
    probe: async (signal = new AbortController().signal) =>
      generation.entries[0]?.instance.probe?.(signal),
    async learn(message, as, { recipient, signal = new AbortController().signal } = {}) {
      const lesson = {
        message: typeof message === 'string' ? memoryMessage(message) : message,
        as,
        ...(recipient === undefined ? {} : { recipient: recipientOf(recipient) }),
      }
      await generation.entries[0]?.instance.learn?.(lesson, signal)
    },
    sessionEnded(about) {
      generation.entries[0]?.instance.sessionEnded?.(sessionIn(about))
    },
    async open() {
      const failure = await generation.open()
      if (failure !== undefined) throw new Error(failure.detail)
    },
    close: () => generation.retire(),
  }
}

interface EntryParts extends Pick<PluginTestOptions, 'onFault'> {
  readonly doors: ChainDoors
  readonly files: MemoryFiles
  readonly options: JsonObject | undefined
}

function generationOf(plugin: Plugin, { doors, files, options, onFault }: EntryParts): Generation {
  const place = { file: 'test', path: [], lineOf: () => undefined }
  const built = buildGeneration({
    // What it needs, the test provides itself.
    entries: [
      {
        name: plugin.name,
        plugin: { ...plugin, needs: [], wants: [...(plugin.needs ?? []), ...(plugin.wants ?? [])] },
        mode: 'enforce',
        first: false,
        options,
        ...(onFault === undefined ? {} : { onFault }),
        place,
      },
    ],
    doors,
    resources: files,
    thresholds: {},
    receiver: { options: undefined, place, defaults: { hostname: 'mx.postern.test' } },
    listeners: [{ name: 'test', tls: false }],
  })
  if (built.ok) return built.generation
  throw new Error(
    built.mistakes
      .map(({ file, line, key, problem, remedy }) => {
        return `${key ?? `${file}:${line}`}: ${problem}; ${remedy}`
      })
      .join('\n'),
  )
}

function environmentOf(variables: Readonly<Record<string, string>> | undefined): Environment {
  return variables === undefined
    ? emptyEnvironment
    : { variables: new Map(Object.entries(variables)), source: 'test' }
}

function sessionOf(
  clock: FakeClock,
  environment: Environment,
  session: Partial<Session> | undefined,
): Session {
  return {
    id: 'test',
    startedAt: clock.now(),
    listener: 'test',
    remote: { address: '192.0.2.1', port: 40_000 },
    local: { address: '192.0.2.25', port: 25 },
    hostname: 'mx.postern.test',
    environment,
    ...session,
  }
}

/** Of a client that says its first word then; time does not pass meanwhile. */
export function silenceOf(speaksAfterMs = Number.POSITIVE_INFINITY): Silence {
  return {
    broken: speaksAfterMs <= 0,
    lasts: (durationMs) => Promise.resolve(durationMs <= speaksAfterMs && speaksAfterMs > 0),
  }
}

function recipientOf(address: string): Recipient {
  const mailbox = parseMailbox(address, { smtputf8: true, barePostmaster: true })
  if (mailbox === undefined) throw new Error(`${address} is no address`)
  return { mailbox }
}

function reversePathOf(address: string): ReversePath {
  return address === '' ? null : recipientOf(address).mailbox
}

function verdictOf({ fault, verdict }: Step): AnyVerdict {
  if (fault !== undefined) throw new Error(`${fault.kind}: ${fault.detail}`)
  return verdict
}

import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { JsonValue } from '../mail/json.ts'
import type { LoginGrant, LoginSecret } from '../mail/login-secret.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Message } from '../mail/message.ts'
import type { Route } from '../mail/route.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type { Stage } from '../mail/status.ts'
import type { AccountReader } from '../runtime/accounts.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Continuations } from '../runtime/continuations.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Dns } from '../runtime/dns.ts'
import type { Jobs } from '../runtime/jobs.ts'
import type { Log } from '../runtime/log.ts'
import type { MailboxRoom } from '../runtime/mailbox-room.ts'
import type { Net } from '../runtime/net.ts'
import type { Programs } from '../runtime/programs.ts'
import type { Random } from '../runtime/random.ts'
import type { Store } from '../runtime/store.ts'
import type { Conditions } from './condition.ts'
import type { FindingKey, ReadByAll } from './finding.ts'
import type { OptionShape, OptionValues } from './option.ts'
import type { FaultOutcome, HookContext, Hooks, Stages, Vouches } from './stage.ts'
import type { PluginMetrics } from './metrics.ts'
import type { Verdict } from './verdict.ts'

/** The doors a plugin may use. `store` is the entry's own space; a shadow entry has another one. */
export interface PluginDoors {
  readonly accounts: AccountReader
  readonly clock: Clock
  readonly continuations: Continuations
  readonly counters: Counters
  readonly dns: Dns
  readonly jobs: Jobs
  readonly log: Log
  readonly metrics: PluginMetrics
  /** Missing where no mail is kept, and in `postern check`. */
  readonly mailboxes?: MailboxRoom
  readonly net: Net
  readonly programs: Programs
  readonly random: Random
  readonly store: Store
}

/** Whom a client says it is. With SCRAM and CRAM-MD5 nobody hears the password, so that they are abilities of their own. */
export interface LoginName {
  readonly session: Session
  readonly user: string
}

/** A login that a back end is asked about: PLAIN or LOGIN. */
export interface Credentials extends LoginName {
  readonly password: string
}

/**
 * `digest` has 32 hexadecimal digits in lower case. CRAM-MD5: the HMAC-MD5 of the challenge, keyed with the password. APOP:
 * the MD5 of the challenge, angle brackets included, and the password behind it.
 */
export interface DigestResponse extends LoginName {
  readonly challenge: string
  readonly digest: string
}

/** A message as it will be committed, but for the Received field above it and for what later signers add. */
export interface Signing {
  readonly transaction: Transaction
  /** With all edits of the header applied. */
  readonly message: Message
}

/** A field that a signer adds. */
export interface SignatureField {
  readonly name: string
  /** May be folded. */
  readonly value: string
}

/** How a login ended: `deferred` where nobody could say who it is, or an entry asked to come back later. */
export interface LoginEnd extends LoginName {
  readonly mechanism: string
  readonly outcome: 'accepted' | 'rejected' | 'deferred'
  /**
   * A back end was asked whether it is them, and said no. So may one of which it could not be told to the client: where
   * another could not answer, the login is `deferred` all the same.
   */
  readonly denied: boolean
}

/** Told, never asked: watchers may not decide, deciders must. */
export interface Observation {
  readonly session: Session
  readonly stage: Stage
  readonly entry: string
  readonly verdict: Verdict['verdict'] | 'fault'
  readonly reason?: string
}

/** Told, never asked: what became of a message that was taken. */
export interface TakenMessage {
  readonly transaction: Transaction
  /** Nobody had anything against it: it is delivered to all of its recipients, nothing held, nothing discarded. */
  readonly welcome: boolean
}

/** A plugin at work in one entry: hooks, and abilities beside them. */
export interface PluginInstance<
  Options,
  V extends Vouches = Vouches,
  Given extends string = string,
  Read extends string = string,
> extends Hooks<Options, V, Given, Read> {
  /**
   * An authentication back end: is it them? `false` is not an objection; another back end may know the user. A yes may
   * bring variables, which stand above those of tcp.smtp from the next command on.
   */
  verify?(
    credentials: Credentials,
    context: HookContext<Options, Read>,
  ): MaybePromise<boolean | LoginGrant>
  /**
   * The same for SCRAM-SHA-256: what is known of the user's password, or `undefined` for a user it does not know.
   * Where there is no `verify`, PLAIN and LOGIN are held against it too.
   */
  secretFor?(
    login: LoginName,
    context: HookContext<Options, Read>,
  ): MaybePromise<(LoginSecret & LoginGrant) | undefined>
  /** The same for CRAM-MD5: `isCramMd5Digest` compares where the password is known. */
  checkResponse?(
    response: DigestResponse,
    context: HookContext<Options, Read>,
  ): MaybePromise<boolean | LoginGrant>
  /** The same for APOP (RFC 1939 §7), for people who fetch their mail by POP3: `isApopDigest` compares. */
  checkApop?(
    response: DigestResponse,
    context: HookContext<Options, Read>,
  ): MaybePromise<boolean | LoginGrant>
  /**
   * Told how each login ended, before the client is: its reply waits for the promise, as long as the entry's timeout
   * allows. It changes nothing any more.
   */
  loginEnded?(end: LoginEnd, context: HookContext<Options, Read>): MaybePromise<void>
  /**
   * Asked last, once for each version of a message that is taken: fields to stand above it, the lowest first. Everybody has
   * had his say by then, and no edit of the header comes after it.
   */
  sign?(
    signing: Signing,
    context: HookContext<Options, Read>,
  ): MaybePromise<readonly SignatureField[]>
  /**
   * What it says of a message without asking what it depends on, where that is settled: it does not look at mail of relay
   * clients, the recipient is not scanned. Asked while the entry rests after faults, so that they keep nobody from their mail
   * whom they do not concern; `undefined`: it would have to ask.
   */
  unasked?(
    event: Stages['message']['event'],
    context: HookContext<Options, Read>,
  ): Stages<V, Given>['message']['verdict'] | undefined
  /**
   * What a question with these options depends on, where environments may have it ask one thing or another: each has a breaker
   * of its own, so that one that is broken is no reason not to ask the others. Absent: it is always the same.
   */
  dependsOn?(options: Options): string
  /** Where this recipient goes; `undefined` leaves it to the next. One that throws, is late or answers what is no route defers the recipient. */
  route?(recipient: Recipient, envelope: Envelope): MaybePromise<Route | undefined>
  /** Carries what has a route by this entry. One result for each of `recipients`, in their order. */
  deliver?(delivery: PluginDelivery, signal: AbortSignal): Promise<readonly DeliveryResult[]>
  observe?(event: Observation): void
  /** What an operator should know before the first mail. Asked by `postern check` and at start, of an entry that is not open. */
  check?(): MaybePromise<readonly Doubt[]>
  /**
   * Of one that vouches: for what, as it stands now. `postern check --relay` shows by it that no entry vouches for strangers
   * and their domains; without it nothing is shown of the entry, which is a warning.
   */
  vouching?(): MaybePromise<Vouching>
  /** Told of each message that was taken, once its 250 is promised. */
  taken?(event: TakenMessage): void
  /**
   * Told once when a session is over, also one that it was never asked about: for what it keeps by `session.id`. It
   * may say nothing any more.
   */
  sessionEnded?(session: Session): void
  /**
   * Is what it depends on there and well? `postern enable` asks before it turns an entry on; without it, `open` is tried.
   * @returns a line for people, such as a version. @throws what is wrong, in words for the operator
   */
  probe?(signal: AbortSignal): Promise<string>
  /** A person says what a message is; so a scanner may learn. @throws where it could not be told */
  learn?(lesson: Lesson, signal: AbortSignal): Promise<void>
  /**
   * With `split: first`: how it will judge mail for this recipient, as far as that differs from recipient to recipient. Those
   * of another class than the first are asked for in a transaction of their own, so that one reply can be true for all.
   */
  classOf?(
    recipient: Recipient,
    transaction: Transaction,
    context: Pick<HookContext<Options, Read>, 'options' | 'findings'>,
  ): string
  open?(): Promise<void>
  close?(): Promise<void>
}

/** For what an entry vouches. */
export interface Vouching {
  /** Recipients in these domains; `.example.org`: in all below it. */
  readonly domains?: readonly string[]
  /** Files with more domains, too many to list. */
  readonly tables?: readonly string[]
  /** Recipients of a kind that nobody can make up, such as signed addresses: what they are. */
  readonly signed?: string
  /** Any recipient of clients at these addresses and networks. */
  readonly networks?: readonly string[]
  /** Any recipient of clients for whom a rule of tcp.smtp, or their login, sets this variable. */
  readonly variable?: string
  /** Any recipient of whoever has logged in. */
  readonly logins?: boolean
}

/** Something that works, but hardly as it is meant. */
export interface Doubt {
  /** The option that it is about. */
  readonly option?: string
  readonly problem: string
  readonly remedy: string
  /** A class of warnings of `postern check`, such as `no-postmaster`; `entry` where nothing is said. */
  readonly code?: string
}

/** What somebody says of a message that was judged before, for instance when it leaves the quarantine. */
export interface Lesson {
  readonly message: Message
  readonly as: 'spam' | 'ham'
  /** Whose mail it is, where it is one person's. */
  readonly recipient?: Recipient
}

export interface PluginDelivery {
  readonly message: Message
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
  readonly route: Route
}

/** How an entry of this plugin behaves where the configuration says nothing. */
export interface EntryDefaults {
  /** Speak a refusal at once, or remember it until RCPT. */
  readonly refuseAt?: 'now' | 'rcpt'
  /** `defer` where nothing is said: nothing fails open by accident. */
  readonly onFault?: FaultOutcome
  readonly timeoutMs?: number
  readonly unless?: Conditions
}

/** A plugin as its author writes it. */
export interface PluginDefinition<
  O extends OptionShape,
  V extends Vouches,
  Given extends string,
  Read extends string,
> {
  /** The name of its folder, its file and its export (there in camelCase). */
  readonly name: string
  /** One sentence for `postern chain` and the documentation. */
  readonly summary?: string
  /** What its `accept` at `rcpt` means; without it, `accept` does not compile and does not load. */
  readonly vouches?: V
  /** Whether an entry with these options ever vouches, where that is for the operator to say; without it, each does. */
  mayVouch?(options: OptionValues<O>): boolean
  /**
   * It may put another message in the place of the one received. Its entry is asked last at `message`, and only about
   * recipients to whom the message would go; there is one of them in a chain, and it is never a shadow.
   */
  readonly replaces?: true
  readonly options?: O
  /** tcp.smtp variables that it reads from the environment itself, each with what it does: for `postern env`. */
  readonly variables?: { readonly [name: string]: string }
  /**
   * Findings it cannot do without: their providers must stand earlier in the chain. Reading one that stands in none of `needs`,
   * `wants` and `provides` does not compile, and is a fault: it would be there or not by luck. `relayClient` everybody may read.
   */
  readonly needs?: readonly FindingKey<JsonValue, Read>[]
  /**
   * Findings it reads where there are any: at `message` it waits for those who provide them earlier in the chain; whoever
   * provides `allowed` for those who come later, too.
   */
  readonly wants?: readonly FindingKey<JsonValue, Read>[]
  /** Findings it may report: a verdict with another one does not compile, and is a fault. */
  readonly provides?: readonly FindingKey<JsonValue, Given>[]
  readonly defaults?: EntryDefaults
  /** Called once for each entry and generation of the configuration, with the options of the file. */
  setup(
    options: OptionValues<O>,
    doors: PluginDoors,
  ): PluginInstance<OptionValues<O>, V, NoInfer<Given>, NoInfer<Given | Read> | ReadByAll>
}

/** A plugin as the chain knows it: options and vouching erased. */
export interface Plugin extends PluginDefinition<OptionShape, Vouches, string, string> {
  readonly kind: 'postern-plugin'
}

/** Checks a definition against the contract and marks it as a plugin; everything is inferred, nothing registered. */
export function definePlugin<
  const O extends OptionShape = Record<never, never>,
  V extends Vouches = never,
  Given extends string = 'what stands in provides',
  Read extends string = 'what stands in needs or wants',
>(definition: PluginDefinition<O, V, Given, Read>): Plugin {
  return { ...definition, kind: 'postern-plugin' }
}

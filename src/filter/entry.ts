import type { JsonValue } from '../mail/json.ts'
import type { Stage } from '../mail/status.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { FindingKey } from '../plugin/finding.ts'
import type { LoginGrant, LoginSecret } from '../mail/login-secret.ts'
import type {
  Credentials,
  DigestResponse,
  LoginEnd,
  LoginName,
  Plugin,
  PluginInstance,
  Signing,
} from '../plugin/plugin.ts'
import type { EntryNumbers } from '../plugin/metrics.ts'
import type { InForce } from '../plugin/resolve-options.ts'
import type { Environment } from '../mail/environment.ts'
import type { FaultOutcome, HookContext, Stages } from '../plugin/stage.ts'
import type { AnyVerdict } from '../plugin/verdict.ts'
import type { Conditions } from '../plugin/condition.ts'
import type { Breakers } from './breakers.ts'
import type { Applicability } from './condition.ts'
import type { DoorRecorder } from './step-notes.ts'
import type { WrittenAt } from '../plugin/mistake.ts'

export type Mode = 'enforce' | 'shadow' | 'off'

/** One entry of the chain as the configuration has it, its plugin loaded, nothing else checked yet. */
export interface EntryConfig {
  /** Unique in the chain; the plugin's name where the operator gave none. */
  readonly name: string
  readonly plugin: Plugin
  readonly mode: Mode
  /** At `message`: run alone, before the entries that run at once. */
  readonly first: boolean
  readonly onFault?: FaultOutcome
  readonly timeoutMs?: number
  /** Beats what a verdict says and what the plugin defaults to. */
  readonly refuseAt?: 'now' | 'rcpt'
  readonly when?: Conditions
  readonly unless?: Conditions
  /** The plugin's options as in the file. */
  readonly options: JsonValue | undefined
  readonly place: WrittenAt
}

/** Option values with their types erased: only the plugin itself knows them. */
export type Values = { readonly [name: string]: unknown }

/** What a back end may be asked about a login, and what who watches it is told. */
const loginQuestions = ['verify', 'secretFor', 'checkResponse', 'checkApop', 'loginEnded'] as const
export type LoginQuestion = (typeof loginQuestions)[number]

/** What an entry may be asked: its hooks, the logins that a back end knows, and to sign what is taken. */
export type Question = Stage | LoginQuestion | 'sign'

export type Events = { readonly [S in Stage]: Stages[S]['event'] } & {
  readonly verify: Credentials & Handover<LoginGrant>
  readonly secretFor: LoginName & Handover<LoginSecret & LoginGrant>
  readonly checkResponse: DigestResponse & Handover<LoginGrant>
  readonly checkApop: DigestResponse & Handover<LoginGrant>
  readonly loginEnded: LoginEnd
  readonly sign: Signing
}

/** A secret, or what a login brings, is no verdict: it is handed over beside the yes. */
export interface Handover<T> {
  readonly keep: (kept: T) => void
}

export function isLoginQuestion(question: string): question is LoginQuestion {
  return loginQuestions.some((each) => each === question)
}

/** An entry at work in one generation of the chain. */
export interface Entry {
  readonly name: string
  readonly plugin: string
  readonly shadow: boolean
  readonly onFault: FaultOutcome
  readonly timeoutMs: number
  /** What the entry says itself. */
  readonly refuseAt?: 'now' | 'rcpt'
  /** Where neither the entry nor the verdict says when. */
  readonly refuseAtDefault: 'now' | 'rcpt'
  /** Absent: the entry applies to everybody. */
  readonly condition?: Applicability | undefined
  readonly first: boolean
  readonly vouches: boolean
  /** At `message` it comes last, and may replace the message. */
  readonly replaces: boolean
  /** At `message` it waits for those who provide them: what the plugin needs, wants, and what its condition asks for. */
  readonly awaits: readonly FindingKey<JsonValue>[]
  readonly provides: readonly FindingKey<JsonValue>[]
  /** The names of the findings that its plugin may read: what it needs, wants and provides, and what everybody may. */
  readonly reads: ReadonlySet<string>
  readonly instance: PluginInstance<Values>
  /** Another instance, which remembers nothing. @throws as the plugin's setup */
  readonly renew: () => PluginInstance<Values>
  readonly optionsFor: (environment: Environment) => InForce<Values>
  readonly breakers: Breakers<Values>
  /** Notes what its doors answer. */
  readonly recorder: DoorRecorder
  /** What it counts, and says of its state while its generation is in force. */
  readonly numbers: EntryNumbers
  /** Equal where plugin, options and the files that they name are; absent where that cannot be said. */
  readonly fingerprint?: string | undefined
  /** Whether its options name files, which may change under it. */
  readonly readsFiles: boolean
  readonly counts: EntryCounts
}

/** What an operator may want to see of an entry, counted since the generation opened. */
export interface EntryCounts {
  faults: number
  lateAnswers: number
}

/** One question to one entry: where it stands in the order of asking. */
export interface Place {
  /** Counts through all places of the generation, in the order in which they are asked. */
  readonly number: number
  readonly question: Question
  readonly entry: Entry
}

/** A place with the function behind it. */
export interface AskedPlace<Q extends Question> extends Place {
  readonly question: Q
  ask(event: Events[Q], context: HookContext<Values>): MaybePromise<AnyVerdict>
  /** What it says while its breaker is open, where nothing need be asked for that. */
  readonly unasked?:
    | ((event: Events[Q], context: HookContext<Values>) => AnyVerdict | undefined)
    | undefined
}

/** A place at `message`, where entries wait for others instead of for their turn. */
export interface MessagePlace extends AskedPlace<'message'> {
  /** Indexes, in the order of `message`, of those that must be done before this one starts. */
  readonly after: readonly number[]
  /** Those whose findings it sees, nearest last: what it waited for, and what those waited for. */
  readonly sees: readonly number[]
}

/** The stage that a question belongs to. */
export function stageOf(question: Question): Stage {
  if (question === 'sign') return 'message'
  return isLoginQuestion(question) ? 'auth' : question
}

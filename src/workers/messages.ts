/** What the supervisor and a worker say to each other. All of it is JSON. */
import type { ListedEntry } from '../filter/generation.ts'
import type { Instant } from '../mail/instant.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { ListenAddress } from '../runtime/net.ts'
import type { CountAnswer, CountQuestion } from './counts.ts'
import type { SlotsGranted, SlotsWanted } from './slots.ts'

/** A worker's place among the workers. */
export interface Seat {
  /** From 1. */
  readonly number: number
  readonly workers: number
  /** Of the spool; it receives into the first. */
  readonly shards: readonly [number, ...number[]]
  /** What the first of all workers found when it opened. Missing: this is the first one, and judges the configuration. */
  readonly known?: Known
  /** It follows a worker that is still at work: it says when it is prepared, and opens when it is told to take over. */
  readonly succeeds?: true
  /** It judges the configuration, though there are workers already; of `known` it takes what still fits. */
  readonly judges?: true
  /** It does what one worker does for all, and has the UNIX sockets. */
  readonly leads?: true
  /** It lets nobody in. */
  readonly closed?: true
  readonly wariness: Wariness
}

/** What must be the same for all workers, and for those that come later, whatever the configuration says then. */
export interface Known {
  readonly listeners: readonly OpenListener[]
  readonly spool: string
}

export interface OpenListener {
  readonly name: string
  readonly address: ListenAddress
}

/** A message that must not be filtered again before that time: those like it have ended workers. */
export type Suspect = readonly [fingerprint: string, until: Instant]

/** What workers are to do because others have died. */
export interface Wariness {
  readonly suspects: readonly Suspect[]
  /** Until then they note what they judge: while nobody dies, nobody pays for it. */
  readonly noteUntil: Instant
}

/** Nobody has died. */
export const unwary: Wariness = Object.freeze({ suspects: [], noteUntil: 0 })

/** What a worker says when it is open. */
export interface WorkerReport extends Known {
  readonly hostname: string
  /** Below it lie the Maildirs of control/locals; undefined where that mail goes to users of this host. */
  readonly maildirs: string | undefined
  /** Where a test message may be sent to. */
  readonly mx: ListenAddress | undefined
  readonly entries: readonly ListedEntry[]
  /** Where the self-signed certificate lies, where a listener shows it. */
  readonly ownCertificate?: string | undefined
  readonly doubts: readonly Mistake[]
}

/** What came of reading the configuration anew. */
export interface ReloadReport {
  /** Whether what was read is in force. */
  readonly ok: boolean
  readonly at: Instant
  readonly mistakes: readonly Mistake[]
  /** Keys and files whose change a restart takes, and no reload. */
  readonly needsRestart: readonly string[]
}

/** What new workers do not take either: a new start does. */
const startKeys: ReadonlySet<string> = new Set(['workers', 'user', 'spool'])

/** @param key of `needsRestart` */
export function needsStart(key: string): boolean {
  return startKeys.has(key)
}

/** A worker as it sees itself. */
export interface WorkerStatus {
  /** Which reading of the configuration is in force, from 1. */
  readonly generation: number
  /** Messages in its shards. */
  readonly queued: number
  /** Messages whose delivery is under way. */
  readonly delivering: number
  /** When the next message is due. */
  readonly nextDueAt?: Instant | undefined
  /** What is not delivered for now. */
  readonly paused: readonly { readonly what: string; readonly name?: string }[]
  readonly residentBytes: number
  /** Why what the store is asked fails. */
  readonly storeTrouble?: string | undefined
  /** Why the log cannot be written. */
  readonly logTrouble?: string | undefined
  readonly listeners: readonly { readonly name: string; readonly sessions: number }[]
}

/** What a supervisor asks of a worker; each is answered once, in any order. */
export type WorkerQuestion = 'reload' | 'retry' | 'status'

export type WorkerAnswer =
  | { readonly what: 'reload'; readonly report: ReloadReport }
  | { readonly what: 'retry'; readonly count: number }
  | { readonly what: 'status'; readonly status: WorkerStatus }

export type ToWorker =
  | { readonly say: 'open'; readonly folder: string; readonly seat: Seat }
  | { readonly say: 'ping' }
  | { readonly say: 'counted'; readonly answers: readonly CountAnswer[] }
  /** What it holds of that key, and to ask for each from now on. */
  | { readonly say: 'declare'; readonly key: string }
  /** To ask for each of that key, of which it holds none yet. */
  | { readonly say: 'watched'; readonly key: string }
  /** It need not ask any more: nobody holds any. */
  | { readonly say: 'free'; readonly key: string }
  | { readonly say: 'slots'; readonly granted: SlotsGranted }
  | { readonly say: 'beware'; readonly wariness: Wariness }
  | { readonly say: 'adopt'; readonly shard: number }
  /** Whoever led is gone for good. */
  | { readonly say: 'lead' }
  /** The listening socket beside this message is of that address. */
  | { readonly say: 'listener'; readonly address: string }
  | { readonly say: 'take-over' }
  | { readonly say: 'ask'; readonly number: number; readonly what: WorkerQuestion }
  /** Lets clients in, or does not. */
  | { readonly say: 'admit'; readonly everybody: boolean }
  | { readonly say: 'stop'; readonly graceMs: number }

export type FromWorker =
  | { readonly say: 'opened'; readonly report: WorkerReport }
  | {
      readonly say: 'refused'
      readonly mistakes: readonly Mistake[]
      readonly doubts: readonly Mistake[]
    }
  /** As `listener` of the supervisor. */
  | { readonly say: 'listener'; readonly address: string }
  /** `addresses`: where it is going to listen; nobody is to listen anywhere else by then. */
  | { readonly say: 'prepared'; readonly addresses: readonly string[] }
  | { readonly say: 'reloaded'; readonly report: ReloadReport }
  | { readonly say: 'answered'; readonly number: number; readonly answer: WorkerAnswer }
  | { readonly say: 'alive' }
  | { readonly say: 'count'; readonly questions: readonly CountQuestion[] }
  | { readonly say: 'slots'; readonly wanted: SlotsWanted }

/** What the supervisor and a worker say to each other. All of it is JSON. */
import type { ListedEntry } from '../filter/generation.ts'
import type { Instant } from '../mail/instant.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { ListenAddress } from '../runtime/net.ts'
import type { CountAnswer, CountQuestion } from './counts.ts'

/** A worker's place among the workers. */
export interface Seat {
  /** From 1. */
  readonly number: number
  readonly workers: number
  /** Of the spool; it receives into the first. */
  readonly shards: readonly [number, ...number[]]
  /** What the first of all workers found when it opened. Missing: this is the first one, and judges the configuration. */
  readonly known?: Known
  readonly suspects: readonly Suspect[]
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

/** What a worker says when it is open. */
export interface WorkerReport extends Known {
  readonly hostname: string
  readonly maildirs: string
  readonly entries: readonly ListedEntry[]
  /** Where the self-signed certificate lies, where a listener shows it. */
  readonly ownCertificate?: string | undefined
  readonly doubts: readonly Mistake[]
}

export type ToWorker =
  | { readonly say: 'open'; readonly folder: string; readonly seat: Seat }
  | { readonly say: 'ping' }
  | { readonly say: 'counted'; readonly answers: readonly CountAnswer[] }
  | { readonly say: 'suspect'; readonly suspects: readonly Suspect[] }
  | { readonly say: 'adopt'; readonly shard: number }
  | { readonly say: 'reload' }
  | { readonly say: 'retry' }
  | { readonly say: 'stop'; readonly graceMs: number }

export type FromWorker =
  | { readonly say: 'opened'; readonly report: WorkerReport }
  | {
      readonly say: 'refused'
      readonly mistakes: readonly Mistake[]
      readonly doubts: readonly Mistake[]
    }
  | { readonly say: 'alive' }
  | { readonly say: 'count'; readonly questions: readonly CountQuestion[] }

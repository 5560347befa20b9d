/** What the main thread and a job's thread say to each other. */
import type { ErrorCode } from '../../mail/errors.ts'
import type { Dns } from '../dns.ts'

export type DnsQuestion = Exclude<keyof Dns, 'words' | 'remembered'>

export type ToJobThread =
  | { readonly say: 'run'; readonly module: string; readonly input: unknown }
  | { readonly say: 'abort' }
  | { readonly say: 'answer'; readonly question: number; readonly outcome: JobOutcome }

export type FromJobThread =
  | { readonly say: 'done'; readonly outcome: JobOutcome }
  | {
      readonly say: 'ask'
      readonly question: number
      readonly type: DnsQuestion
      readonly name: string
    }

export type JobOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: JobError }

/** An error as it crosses: a class does not survive the way, its code does. */
export interface JobError {
  readonly message: string
  readonly code?: ErrorCode
}

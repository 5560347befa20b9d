import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Dns } from './dns.ts'

/** What a job may ask of the world: names, by the gateway's own door, so that its memory and a test's zones hold. */
export interface JobTools {
  readonly dns: Dns
  /** Fires when nobody waits for the answer any more. A job that goes on all the same ends with its thread. */
  readonly signal: AbortSignal
}

/** Work for a thread: what goes in and out is copied (structured clone), so it is plain data and bytes. */
export type Job<Input, Output> = (input: Input, tools: JobTools) => MaybePromise<Output>

/**
 * The door to other threads, for what computes longer than a message may hold up its neighbours: password hashes,
 * signatures, archives. A thread does one job at a time; one that does not end after its signal is replaced.
 */
export interface Jobs {
  /**
   * @param module a file that exports the work: `export const job: Job<Input, Output> = …`, named `<what>.worker.ts`
   * @param whose the client that it is done for: where many wait each module has its turn, and of one module each client
   * @throws PosternError ABORTED when the signal fires, JOB_FAILED where too many wait or the thread died;
   * what the job throws, with its code where it is a PosternError
   */
  run<Input, Output>(
    module: URL,
    input: Input,
    signal: AbortSignal,
    whose?: string,
  ): Promise<Output>
  /** Ends the threads; what is on its way fails. */
  close(): Promise<void>
}

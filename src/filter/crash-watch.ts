import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Events } from './entry.ts'

/**
 * Looks after messages on which plugins may end the whole process: what is being judged is noted outside of it, so that
 * the message which did it can be told from the others.
 */
export interface CrashWatch {
  /** Otherwise no process has ended lately, and nobody need be asked. */
  readonly isOn: boolean
  /**
   * Before the entries see a message.
   * @returns what to call when all of them are done; nothing, once it is set aside, for a message that has ended
   * processes before and must not be seen again
   */
  enter(event: Events['message']): MaybePromise<(() => void) | undefined>
}

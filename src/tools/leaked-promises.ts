import { errorStack } from '../mail/errors.ts'
import type { Doors } from '../runtime/doors.ts'

/** A promise that a plugin let go of is its bug, and no reason to hang up on everybody. */
export function outliveLeakedPromises({ process, log }: Pick<Doors, 'process' | 'log'>): void {
  process.onUnhandledRejection((reason) => {
    const error = errorStack(reason)
    log.error('bug.unhandled-rejection', { error })
  })
}

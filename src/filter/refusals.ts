/** Refusals that no entry has to be asked for. */
import { defer, reject } from '../plugin/verdict.ts'
import type { Objection } from './step.ts'

/** What a tcp.smtp rule that denies says. */
export const denied: Objection = Object.freeze(
  reject('5.7.1', 'Connection refused', { reason: 'DENIED', close: true }),
)

/** A setting that does not parse must not open what it was to close. */
export const settingsFault: Objection = Object.freeze(
  defer('4.3.0', 'Temporary local problem, please try again later', {
    reason: 'SETTINGS',
    close: true,
  }),
)

/** Nobody who could know the user did, or the proof was wrong: which of the two is not told. */
export const noSuchLogin: Objection = Object.freeze(
  reject('5.7.8', 'Authentication credentials invalid', { reason: 'NOT_VOUCHED' }),
)

/** With `split: first`: clients send what is left in another transaction (RFC 5321 §4.5.3.1.10). */
export const anotherClass: Objection = Object.freeze(
  defer('4.5.3', 'Please send to this recipient in a transaction of its own', { reason: 'SPLIT' }),
)

/** A message on which plugins have ended processes again and again: they do not see it again. */
export const endsProcesses: Objection = Object.freeze(
  defer('4.3.0', 'Temporary local problem, please try again later', { reason: 'ENDS_PROCESSES' }),
)

/** Nobody is left to decide for. */
export const sessionGone: Objection = Object.freeze(defer('4.4.2', 'Connection lost'))

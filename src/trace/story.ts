import type { Attempt } from '../filter/attempts.ts'
import type { Redecided } from '../filter/redecide.ts'
import type { Trace } from '../filter/trace-reader.ts'
import type { Counterfactual } from './counterfactual.ts'
import type { TraceSummary } from './trace-summary.ts'

/** One message or one refusal, from the connection to the last delivery. */
export interface Story extends Trace {
  readonly summary: TraceSummary
  /** What each recipient was answered, decided again from the recorded steps; none where steps were lost. */
  readonly rulings: readonly Redecided[]
  /** What would have been without one entry, for each that refused, held, or added to the score. */
  readonly counterfactuals: readonly Counterfactual[]
  /** What the courier did, oldest first. */
  readonly attempts: readonly Attempt[]
}

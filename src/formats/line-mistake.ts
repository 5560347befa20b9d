/** A line of a file that is not as it should be, told so that an operator can mend it. */
export interface LineMistake {
  /** Counts from 1. */
  readonly line: number
  /** The line as it stands, without blanks at its end; what may be a password shows as `***`. */
  readonly text: string
  /** What would be right. */
  readonly remedy: string
}

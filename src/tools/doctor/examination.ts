/** One thing that was looked at, and what to type where it is not well. */
export interface Examination {
  /** Stable, such as `spool` or `ports`. */
  readonly about: string
  /** `problem`: it must be mended. `warning`: it may do. */
  readonly state: 'well' | 'warning' | 'problem'
  readonly says: string
  /** What to type, or to do. */
  readonly remedy?: string | undefined
}

export function well(about: string, says: string): Examination {
  return { about, state: 'well', says }
}

export function warning(about: string, says: string, remedy: string): Examination {
  return { about, state: 'warning', says, remedy }
}

export function problem(about: string, says: string, remedy: string): Examination {
  return { about, state: 'problem', says, remedy }
}

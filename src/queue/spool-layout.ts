/** Ends the name of a file that is being written: it does not count. */
export const unfinished = '.part'

/** Where things lie in a spool. */
export interface SpoolLayout {
  readonly root: string
  /** The format's version, a line of text. */
  readonly format: string
  /** The secret by which records are known. */
  readonly key: string
  readonly lock: string
  readonly segments: string
  readonly large: string
  readonly damaged: string
  /** Fingerprints of what workers are judging now, and of what they judged when they died. */
  readonly judging: string
  readonly crashes: string
  /** What other programs hand over. */
  readonly incoming: string
  /** What programs that run in place of qmail-queue bring back. */
  readonly continuing: string
}

/** @param path the spool's folder, without a slash at its end */
export function spoolLayout(path: string): SpoolLayout {
  return {
    root: path,
    format: `${path}/format`,
    key: `${path}/key`,
    lock: `${path}/lock`,
    segments: `${path}/log`,
    large: `${path}/large`,
    damaged: `${path}/damaged`,
    judging: `${path}/judging`,
    crashes: `${path}/crashes`,
    incoming: `${path}/incoming`,
    continuing: `${path}/continuing`,
  }
}

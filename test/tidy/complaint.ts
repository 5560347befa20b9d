/** One breach of a house rule: where it is, what it is, and what to do instead. */
export interface Complaint {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly problem: string
  readonly remedy: string
}

/** `src/smtp/receiver.ts:12: imports src/filter/chain.ts. Ask for an interface instead.` */
export function describeComplaint({ file, line, problem, remedy }: Complaint): string {
  return `${file}:${line}: ${problem}. ${remedy}.`
}

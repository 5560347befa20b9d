/**
 * simscan's tests of a message: ends of file names, for everybody (`ssattach`) or by `simcontrol` for whom a line is written,
 * and the expressions of `simcontrol`, which no line of the message may match.
 */
import type { Message, SimOptions } from 'postern/plugin'
import { matchingLine } from './matching-line.ts'
import { nameFor } from './rules.ts'
import type { Collection } from './specimen.ts'

export interface SimscanFiles {
  /** What simcontrol says, one for each recipient, undefined for one of whom it says nothing; nothing where there is none. */
  readonly control: readonly (SimOptions | undefined)[] | undefined
  /** Ends of names that `ssattach` has for everybody, in lower case. */
  readonly everybody: readonly string[]
}

/** What a recipient does not want. */
export type Unwanted =
  | { readonly kind: 'attachment'; readonly name: string }
  | { readonly kind: 'expression'; readonly expression: string }

export interface Searched {
  readonly collection: Collection
  readonly message: Pick<Message, 'read'>
  /** How many there are. */
  readonly recipients: number
  readonly signal: AbortSignal
}

/**
 * For each recipient what it does not want, or `undefined`. The message is read only for those who have expressions.
 * @throws PosternError ABORTED, DISK_FAILED
 */
export async function unwantedBy(
  { collection, message, recipients, signal }: Searched,
  { control, everybody }: SimscanFiles,
): Promise<readonly (Unwanted | undefined)[]> {
  const each = control ?? Array.from({ length: recipients }, (): SimOptions => ({}))
  if (control === undefined && everybody.length === 0) return each.map(() => undefined)
  const expressions = new Set(each.flatMap((options) => options?.regex ?? []))
  const matched = await matchingLine(message, expressions, signal)
  return each.map((options) => {
    // simscan: who is in no line is not scanned at all.
    if (options === undefined) return undefined
    return matches(options, matched) ?? attached(collection, everybody, options)
  })
}

function matches(options: SimOptions, matched: ReadonlySet<string>): Unwanted | undefined {
  const expression = options.regex?.find((each) => matched.has(each))
  return expression === undefined ? undefined : { kind: 'expression', expression }
}

function attached(
  { specimens }: Collection,
  everybody: readonly string[],
  options: SimOptions,
): Unwanted | undefined {
  const ends = [...everybody, ...(options.attach ?? [])]
  const found = specimens.find(({ names }) =>
    names.some((name) => ends.some((end) => name.toLowerCase().endsWith(end))),
  )
  return found === undefined ? undefined : { kind: 'attachment', name: nameFor(found) }
}

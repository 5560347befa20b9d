/** simscan's attachment test: ends of file names, for everybody (`ssattach`) or by `simcontrol` for whom a line is written. */
import {
  joinSimOptions,
  simOptionsFor,
  type Recipient,
  type ReversePath,
  type SimControl,
} from 'postern/plugin'
import { nameFor } from './rules.ts'
import type { Collection } from './specimen.ts'

export interface SimscanFiles {
  /** Whether there is a simcontrol: without it what `ssattach` says holds for everybody. */
  readonly control: SimControl
  /** Ends of names, in lower case. */
  readonly everybody: readonly string[]
}

/** For each recipient: the attachment that is not wanted, or `undefined`. */
export function unwantedBy(
  collection: Collection,
  { control, everybody }: SimscanFiles,
  envelope: { readonly reversePath: ReversePath; readonly recipients: readonly Recipient[] },
): readonly (string | undefined)[] {
  if (control.size === 0 && everybody.length === 0) return envelope.recipients.map(() => undefined)
  const { reversePath } = envelope
  const sender = reversePath === null ? undefined : simOptionsFor(control, reversePath)
  return envelope.recipients.map(({ mailbox }) => {
    const options = joinSimOptions([sender, simOptionsFor(control, mailbox)])
    // simscan: who is in no line is not scanned at all.
    if (control.size > 0 && options === undefined) return undefined
    return unwanted(collection, [...everybody, ...(options?.attach ?? [])])
  })
}

function unwanted({ specimens }: Collection, ends: readonly string[]): string | undefined {
  const found = specimens.find(({ names }) =>
    names.some((name) => ends.some((end) => name.toLowerCase().endsWith(end))),
  )
  return found === undefined ? undefined : nameFor(found)
}

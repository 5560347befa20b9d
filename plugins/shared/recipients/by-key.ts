/** One question for all recipients whose answer is the same: those who share a key. */
import type { Recipient } from 'postern/plugin'

/** Recipients, as indexes of the transaction's, about whom one question is asked. */
export interface Group {
  /** None for those whose key nobody has room for, or who have none. */
  readonly key: string | undefined
  readonly recipients: readonly number[]
}

export interface Grouping {
  /** A message with more keys than that is asked about once more for all the others together, without a key. */
  readonly most: number
  /** One for each recipient: whether anything is asked about it. Left out: about all. */
  readonly asked?: readonly boolean[] | undefined
}

/** In the order of the first recipient of each. */
export function groupedByKey(
  recipients: readonly Recipient[],
  keyOf: (recipient: Recipient) => string | undefined,
  { most, asked }: Grouping,
): readonly Group[] {
  const groups = new Map<string | undefined, number[]>()
  let keys = 0
  for (const [index, recipient] of recipients.entries()) {
    if (asked?.[index] === false) continue
    const wanted = keyOf(recipient)
    const known = wanted !== undefined && groups.has(wanted)
    const key = known || keys < most ? wanted : undefined
    if (!known && key !== undefined) keys += 1
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [index])
    else group.push(index)
  }
  return [...groups].map(([key, indexes]) => ({ key, recipients: indexes }))
}

/** What was answered about each recipient, in the transaction's order; of whom nothing was asked keeps what `unasked` says. */
export function answersByRecipient<T>(
  groups: readonly Group[],
  answers: readonly T[],
  unasked: readonly T[],
): readonly T[] {
  const byRecipient = [...unasked]
  for (const [number, { recipients }] of groups.entries()) {
    const answer = answers[number]
    if (answer === undefined) continue
    for (const index of recipients) byRecipient[index] = answer
  }
  return byRecipient
}

/** One question for all recipients whose answer is the same: those who share a key. */
import type { Recipient } from 'postern/plugin'

/** Recipients, as indexes of the transaction's, about whom one question is asked. */
export interface Group {
  /** None for those whose key nobody has room for, or who have none. */
  readonly key: string | undefined
  readonly recipients: readonly number[]
}

/**
 * In the order of the first recipient of each. `most`: a message with more keys than that is asked about once more for
 * all the others together, without a key.
 */
export function groupedByKey(
  recipients: readonly Recipient[],
  keyOf: (recipient: Recipient) => string | undefined,
  most: number,
): readonly Group[] {
  const groups = new Map<string | undefined, number[]>()
  let keys = 0
  for (const [index, recipient] of recipients.entries()) {
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

/** What was answered about each recipient, in the transaction's order. */
export function answersByRecipient<T>(
  groups: readonly Group[],
  answers: readonly T[],
): readonly T[] {
  const byRecipient: T[] = []
  for (const [number, { recipients }] of groups.entries()) {
    const answer = answers[number]
    if (answer === undefined) continue
    for (const index of recipients) byRecipient[index] = answer
  }
  return byRecipient
}

/** Whether somebody whom we trust saw the message pass before it was changed on the way (RFC 8617 §7.2). */
import type { ArcSet } from '../arc/findings.ts'

/**
 * From the newest set down to the first that a stranger sealed: he may have written all that came before him.
 * @param sets of a chain that holds, the oldest first
 * @param trusted domains in lower case
 * @returns the sealer who saw DMARC pass for the same author
 */
export function rescuer(
  sets: readonly ArcSet[],
  author: string,
  trusted: ReadonlySet<string>,
): string | undefined {
  for (const { sealer, seen, author: seenAuthor } of sets.toReversed()) {
    if (!trusted.has(sealer)) return undefined
    if (seen['dmarc'] === 'pass' && seenAuthor === author) return sealer
  }
  return undefined
}

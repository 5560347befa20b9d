/** How long the quarantine keeps what nobody has released: the oldest go first. Pure. */
import type { Instant } from '../mail/instant.ts'
import type { HeldMessage } from './held-message.ts'

/** Absent: no limit. */
export interface RetentionLimits {
  readonly maxAgeMs?: number
  readonly maxBytes?: number
  /** Of one message; absent: as much as of all. */
  readonly largestBytes?: number
  readonly maxMessages?: number
}

export type Why = 'age' | 'size' | 'count'

type Kept = Pick<HeldMessage, 'receivedAt' | 'sizeBytes'>

/**
 * What is beyond the limit by itself goes alone: the whole quarantine would not make room for it.
 * @param held oldest first. @returns what is to go, with the limit it is beyond
 */
export function overdue<H extends Kept>(
  held: readonly H[],
  limits: RetentionLimits,
  now: Instant,
): readonly (readonly [H, Why])[] {
  const { maxAgeMs = Infinity, maxBytes = Infinity, maxMessages = Infinity } = limits
  const { largestBytes = maxBytes } = limits
  const fitting = held.filter(({ sizeBytes }) => sizeBytes <= largestBytes)
  let bytes = fitting.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let count = fitting.length
  const gone = held
    .filter(({ sizeBytes }) => sizeBytes > largestBytes)
    .map((each): readonly [H, Why] => [each, 'size'])
  for (const each of fitting) {
    const why = whyGone()
    if (why === undefined) break
    gone.push([each, why])
    bytes -= each.sizeBytes
    count -= 1
    function whyGone(): Why | undefined {
      if (now - each.receivedAt > maxAgeMs) return 'age'
      if (bytes > maxBytes) return 'size'
      return count > maxMessages ? 'count' : undefined
    }
  }
  return gone
}

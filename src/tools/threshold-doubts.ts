/** Doubts about thresholds for some that have come to stand in another order than those for everybody. */
import type { Configuration } from '../config/configuration.ts'
import type { Thresholds } from '../filter/decision.ts'
import { thresholdsFor } from '../filter/threshold-rules.ts'
import type { Mistake } from '../plugin/mistake.ts'

/** As people think of them: the milder first. */
const pairs = [
  ['quarantine', 'reject'],
  ['quarantine', 'discard'],
  ['reject', 'discard'],
] as const

const deeds = { quarantine: 'held', reject: 'refused', discard: 'discarded' } as const

const mostDoubts = 20

/** Of the thresholds that a score reaches the highest counts: one that is inherited may so undo one that is written. */
export function thresholdDoubts({
  thresholds,
  thresholdRules,
  receiver,
}: Pick<Configuration, 'thresholds' | 'thresholdRules' | 'receiver'>): readonly Mistake[] {
  const doubts: Mistake[] = []
  for (const [key, change] of thresholdRules) {
    const own = thresholdsFor(someoneUnder(key), thresholds, thresholdRules)
    for (const [mild, strict] of pairs) {
      const isOnPurpose = (change[mild] === undefined) === (change[strict] === undefined)
      if (isOnPurpose || !isReversed(own, mild, strict)) continue
      if (isReversed(thresholds, mild, strict)) continue
      doubts.push({
        file: receiver.place.file,
        key: 'thresholds',
        problem:
          `for ${key} ${mild} (${own[mild]}) lies above ${strict} (${own[strict]}), which it does not for everybody: ` +
          `from ${own[mild]} on mail is ${deeds[mild]}, not ${deeds[strict]}`,
        remedy: `write both for ${key}; never is a value too`,
      })
      if (doubts.length >= mostDoubts) return doubts
    }
  }
  return doubts
}

function isReversed(
  thresholds: Thresholds,
  mild: keyof Thresholds,
  strict: keyof Thresholds,
): boolean {
  return (thresholds[mild] ?? -Infinity) > (thresholds[strict] ?? Infinity)
}

/** A recipient whom the rule means, and no nearer one. */
function someoneUnder(key: string): { readonly localPart: string; readonly domain: string } {
  const at = key.lastIndexOf('@')
  if (at >= 0) return { localPart: key.slice(0, at), domain: key.slice(at + 1) }
  return { localPart: '', domain: key.startsWith('.') ? `*${key}` : key }
}

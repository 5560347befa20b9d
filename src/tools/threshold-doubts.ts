/** Doubts about thresholds that never count, or that have come to stand in another order than those for everybody. */
import type { Configuration } from '../config/configuration.ts'
import type { Thresholds } from '../filter/decision.ts'
import { thresholdsFor, type ThresholdChange } from '../filter/threshold-rules.ts'
import type { Mistake } from '../plugin/mistake.ts'

const mostDoubts = 20

/** What ends a message comes before a quarantine, and of rejection and discard the higher counts. */
export function thresholdDoubts({
  thresholds,
  thresholdRules,
  receiver,
}: Pick<Configuration, 'thresholds' | 'thresholdRules' | 'receiver'>): readonly Mistake[] {
  const doubts: Mistake[] = []
  const doubt = (problem: string | undefined, remedy: string): void => {
    if (problem === undefined || doubts.length >= mostDoubts) return
    doubts.push({ file: receiver.place.file, key: 'thresholds', problem, remedy })
  }
  doubt(reachedByAll(thresholds), 'write a number above 0, or leave it out')
  doubt(unreachedQuarantine(thresholds), 'write it below them, or leave it out')
  for (const [key, change] of thresholdRules) {
    if (doubts.length >= mostDoubts) break
    const own = thresholdsFor(someoneUnder(key), thresholds, thresholdRules)
    const isHoldWritten = typeof change.quarantine === 'number'
    const problem =
      (isHoldWritten && unreachedQuarantine(own)) || takenOver(own, change, thresholds)
    doubt(problem && `for ${key} ${problem}`, `write both for ${key}; never is a value too`)
  }
  return doubts
}

/** Mail that no entry has anything against has the score 0. */
function reachedByAll(thresholds: Thresholds): string | undefined {
  const [name, what] = fates.find(([each]) => (thresholds[each] ?? Infinity) <= 0) ?? []
  if (name === undefined) return undefined
  return `${name} (${thresholds[name]}) is reached by mail that nobody has anything against: it is ${what}`
}

/** What ends a message first. */
const fates = [
  ['discard', 'discarded'],
  ['reject', 'refused'],
  ['quarantine', 'held'],
] as const

function unreachedQuarantine({
  quarantine = -Infinity,
  reject = Infinity,
  discard = Infinity,
}: Thresholds): string | undefined {
  if (quarantine <= Math.min(reject, discard)) return undefined
  const what =
    reject <= discard
      ? `reject (${reject}) on mail is refused`
      : `discard (${discard}) on mail is discarded`
  return `quarantine (${quarantine}) holds nothing: from ${what}`
}

/** Of rejection and discard one was written here, and has changed places with the other. */
function takenOver(
  { reject, discard }: Thresholds,
  written: ThresholdChange,
  general: Thresholds,
): string | undefined {
  if ((written.reject === undefined) === (written.discard === undefined)) return undefined
  if (!isAbove(reject, discard) || isAbove(general.reject, general.discard)) return undefined
  return (
    `reject (${reject}) lies above discard (${discard}), which it does not for everybody: ` +
    `from ${reject} on mail is refused, not discarded`
  )
}

function isAbove(a: number | undefined, b: number | undefined): boolean {
  return (a ?? -Infinity) > (b ?? Infinity)
}

/** A recipient whom the rule means, and no nearer one. */
function someoneUnder(key: string): { readonly localPart: string; readonly domain: string } {
  const at = key.lastIndexOf('@')
  if (at >= 0) return { localPart: key.slice(0, at), domain: key.slice(at + 1) }
  return { localPart: '', domain: key.startsWith('.') ? `*${key}` : key }
}

import { legible } from '../formats/plain-line.ts'
import { needsStart } from '../tools/supervisor-requests.ts'

/** What takes the changes that a reload did not take, for a person. */
export function remediesFor(
  needsRestart: readonly string[],
): readonly (readonly [remedy: string, keys: string])[] {
  const remedies = [
    ['postern restart', needsRestart.filter((key) => !needsStart(key))],
    ['a stop and a new start', needsRestart.filter(needsStart)],
  ] as const
  return remedies
    .filter(([, keys]) => keys.length > 0)
    .map(([remedy, keys]) => [remedy, keys.map(legible).join(', ')])
}

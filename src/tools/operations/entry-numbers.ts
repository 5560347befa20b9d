/** What each entry did with the newest transactions, counted from their traces. */
import type { EntryNumbers } from '../../admin/schemas/chain.ts'
import type { TracedStep } from '../../filter/trace-reader.ts'

interface Tally {
  asked: number
  objected: number
  would: number
  faults: number
  readonly durations: number[]
}

export function entryNumbers(
  steps: Iterable<Pick<TracedStep, 'kind' | 'entry' | 'mode' | 'verdict' | 'durationMs' | 'fault'>>,
): ReadonlyMap<string, EntryNumbers> {
  const tallies = new Map<string, Tally>()
  for (const { kind, entry, mode, verdict, durationMs, fault } of steps) {
    if (kind !== 'asked') continue
    const tally = tallies.get(entry) ?? {
      asked: 0,
      objected: 0,
      would: 0,
      faults: 0,
      durations: [],
    }
    tallies.set(entry, tally)
    tally.asked += 1
    tally.durations.push(durationMs)
    if (fault !== undefined) tally.faults += 1
    if (verdict === 'pass' || verdict === 'accept') continue
    if (mode === 'shadow') tally.would += 1
    else tally.objected += 1
  }
  return new Map([...tallies].map(([name, tally]) => [name, numbersOf(tally)]))
}

function numbersOf({ durations, ...counts }: Tally): EntryNumbers {
  const sorted = durations.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { ...counts, p50Ms: at(0.5), p99Ms: at(0.99) }
}

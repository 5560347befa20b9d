/** How far a search looks back. */
export const lookBacks: readonly (readonly [value: string, words: string])[] = [
  ['', 'any time'],
  ['15m', 'last 15 minutes'],
  ['1h', 'last hour'],
  ['24h', 'last 24 hours'],
  ['7d', 'last 7 days'],
]

const spans: ReadonlyMap<string, number> = new Map([
  ['15m', 900_000],
  ['1h', 3_600_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
])

/** @returns the instant to begin at; undefined for no limit */
export function lookBack(within: string | undefined, nowMs: number): number | undefined {
  const span = within === undefined ? undefined : spans.get(within)
  return span === undefined ? undefined : nowMs - span
}

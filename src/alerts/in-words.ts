const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** `3 days`, `2 hours`, `5 minutes`: rounded down. */
export function inWords(ms: number): string {
  const [name, unit] = units.find(([, each]) => ms >= each) ?? ['second', 1000]
  const count = Math.max(0, Math.floor(ms / unit))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

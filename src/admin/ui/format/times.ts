/** Times as people read them: in the browser's zone, 24 hours, never a bare number. */

const clockTime = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const dayTime = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
const whole = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})

const dayMs = 86_400_000

/** `14:03:22` within a day, `19 Nov, 14:03` before. @param atMs since 1970 */
export function formatWhen(atMs: number, nowMs: number): string {
  return Math.abs(nowMs - atMs) < dayMs / 2 ? clockTime.format(atMs) : dayTime.format(atMs)
}

/** `14:03`; `14:03:30` where it is no whole minute. */
export function formatMinute(atMs: number): string {
  const text = clockTime.format(atMs)
  return text.endsWith(':00') ? text.slice(0, -3) : text
}

/** `14:03:22` */
export function formatTime(atMs: number): string {
  return clockTime.format(atMs)
}

/** `21 Nov 2026, 14:03:22 CET` */
export function formatInstant(atMs: number): string {
  return whole.format(atMs)
}

const steps: readonly (readonly [ms: number, unit: string])[] = [
  [dayMs, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
]

/** Of what lasts so long nobody counts the hours. */
const longMs = 30 * dayMs

/** `120 d`, `3 d 4 h`, `12 min`, `5 s`, `0 s`: the two largest units at most. */
export function formatAge(ageMs: number): string {
  const age = Math.max(0, ageMs)
  const index = steps.findIndex(([ms]) => age >= ms)
  const [ms, unit] = steps[index] ?? [1000, 's']
  const first = Math.floor(age / ms)
  const [nextMs, nextUnit] = steps[index + 1] ?? [0, '']
  const second =
    nextMs === 0 || index >= 2 || index === -1 || age >= longMs
      ? 0
      : Math.floor((age % ms) / nextMs)
  return second === 0 ? `${first} ${unit}` : `${first} ${unit} ${second} ${nextUnit}`
}

/** Of a hook or a try: `0.04 ms`, `12 ms`, `3.2 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs >= 1000) return `${(durationMs / 1000).toFixed(1)} s`
  if (durationMs >= 10) return `${Math.round(durationMs)} ms`
  if (durationMs >= 1) return `${durationMs.toFixed(1)} ms`
  return `${durationMs.toFixed(2)} ms`
}

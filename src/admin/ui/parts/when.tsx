import { nowMs } from '../browser/clock.ts'
import { formatAge, formatInstant, formatWhen } from '../format/times.ts'

/** A time, short; whole where the pointer rests. */
export function When({ at }: { readonly at: number }) {
  return (
    <time class="nowrap" dateTime={new Date(at).toISOString()} title={formatInstant(at)}>
      {formatWhen(at, nowMs())}
    </time>
  )
}

/** How long ago, or until. */
export function Age({ at }: { readonly at: number }) {
  return (
    <time class="nowrap" dateTime={new Date(at).toISOString()} title={formatInstant(at)}>
      {formatAge(Math.abs(nowMs() - at))}
    </time>
  )
}

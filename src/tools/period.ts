import type { Instant } from '../mail/instant.ts'
import { parseDuration } from '../plugin/quantities.ts'
import { systemClock } from '../runtime/node/clock.ts'

/** `90m`, `24h`, `-7d`, as an operator types it, to milliseconds; undefined for anything else. */
export function periodMs(text: string): number | undefined {
  const parsed = parseDuration(text.replace(/^-/, ''))
  return parsed.ok ? parsed.value : undefined
}

/** An age (`2h`, `-2h`), or a date; in UTC where no zone is named, as we print times. Undefined for anything else. */
export function instantOf(text: string): Instant | undefined {
  const age = periodMs(text)
  if (age !== undefined) return systemClock.now() - age
  const [, day, time = '00:00', zone = 'Z'] = writtenDate.exec(text) ?? []
  const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`)
  return Number.isNaN(at) ? undefined : at
}

const writtenDate =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[-+]\d\d:\d\d)?)?$/

/** Numbers and times as options of commands; what is none is a wrong usage. */
import { InvalidArgumentError } from 'commander'
import type { Instant } from '../mail/instant.ts'
import { instantOf, periodMs } from '../tools/period.ts'

/** `24h`, `7d`: to milliseconds. */
export function durationArgument(text: string): number {
  const parsed = periodMs(text)
  if (parsed === undefined) throw new InvalidArgumentError('Write a time such as 90m, 24h or 7d.')
  return parsed
}

/** `2h`, `-2h`, `2026-11-21T08:00`: to an instant. */
export function whenArgument(text: string): Instant {
  const instant = instantOf(text)
  if (instant !== undefined) return instant
  throw new InvalidArgumentError('Write an age such as 2h, or a date such as 2026-11-21T08:00.')
}

/** A count from 0 up. */
export function countArgument(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number.')
}

/** A count from 1 up. */
export function positiveArgument(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number from 1 up.')
}

/** Numbers and times as options of commands; what is none is a wrong usage. */
import { InvalidArgumentError } from 'commander'
import { periodMs } from '../tools/period.ts'

/** `24h`, `7d`: to milliseconds. */
export function durationArgument(text: string): number {
  const parsed = periodMs(text)
  if (parsed === undefined) throw new InvalidArgumentError('Write a time such as 90m, 24h or 7d.')
  return parsed
}

/** A count from 0 up. */
export function countArgument(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number.')
}

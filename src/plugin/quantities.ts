/** Times and sizes as they are written in a configuration and on a command line: 30s, 25MB. */
import type { JsonValue } from '../mail/json.ts'
import type { Parsed } from './option.ts'
import { refused, taken } from './parsed.ts'

export const durationPattern = /^\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h|d)$/
const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])
const longestMs = 3650 * 86_400_000

/** `250ms`, `30s`, `5m`, `2h`, `7d`: to milliseconds. */
export function parseDuration(value: JsonValue): Parsed<number> {
  const remedy = 'write a duration such as 30s, 5m, 2h or 7d'
  if (typeof value !== 'string' || !durationPattern.test(value)) {
    return refused(value, 'a duration', remedy)
  }
  const unit = value.replace(/^[\d.]+/, '')
  const durationMs = Math.round(Number.parseFloat(value) * (unitMs.get(unit) ?? 1))
  return durationMs <= longestMs ? taken(durationMs) : refused(value, 'less than ten years', remedy)
}

export const sizePattern = /^\d{1,15}(?:\.\d{1,3})?(?:B|KB|MB|GB)$/i
const unitBytes: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
])

/** `25MB`, `512KB`, or a number of bytes; a KB is 1024 bytes. */
export function parseSize(value: JsonValue): Parsed<number> {
  const sizeBytes =
    typeof value === 'string' && sizePattern.test(value)
      ? Math.round(Number.parseFloat(value) * (unitBytes.get(unitOf(value)) ?? 1))
      : value
  return typeof sizeBytes === 'number' && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0
    ? taken(sizeBytes)
    : refused(value, 'a size', 'write a size such as 25MB or 512KB, or a number of bytes')
}

function unitOf(text: string): string {
  return text.replace(/^[\d.]+/, '').toUpperCase()
}

/** What comes of reading a value: it is taken, or refused with what would be right. */
import type { JsonValue } from '../mail/json.ts'
import type { Parsed } from './option.ts'

export function taken<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

export function refused(value: JsonValue, what: string, remedy: string): Parsed<never> {
  return { ok: false, problem: `${shown(value)} is not ${what}`, remedy }
}

/** A value as JSON, short enough for one line. */
function shown(value: JsonValue): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

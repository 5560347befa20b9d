/** Reading JSON whose shape is known: each reader returns the value or throws; `readJson` turns any throw into undefined. */
import type { JsonValue } from '../mail/json.ts'

export function readJson<T>(text: string, read: (value: JsonValue) => T): T | undefined {
  try {
    return read(parse(text))
  } catch {
    // Not JSON, or not of this shape: the caller knows what a record without meaning is.
    return undefined
  }
}

function parse(text: string): JsonValue {
  return JSON.parse(text)
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (Array.isArray(value)) return value
  throw new TypeError('not a list')
}

export function textOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value
  throw new TypeError('not text')
}

/** An integer from 0 up. */
export function countOf(value: JsonValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new TypeError('not a count')
}

/** What a list of names holds at this index. */
export function nameAt<T extends string>(names: readonly T[], value: JsonValue | undefined): T {
  const name = names[countOf(value)]
  if (name === undefined) throw new TypeError('not a known number')
  return name
}

/** `0` stands for what is absent. */
export function optional<T>(
  value: JsonValue | undefined,
  read: (value: JsonValue) => T,
): T | undefined {
  if (value === undefined) throw new TypeError('missing')
  return value === 0 ? undefined : read(value)
}

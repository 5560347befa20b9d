/** Reading stored JSON without trusting it: what is not as expected is absent. */
import type { JsonObject, JsonValue } from '../mail/json.ts'

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function object(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {}
}

export function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

export function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

export function number(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0
}

export function numbers(value: JsonValue | undefined): readonly number[] {
  return list(value).filter((item) => typeof item === 'number')
}

export function texts(value: JsonValue | undefined): readonly string[] {
  return list(value).filter((item) => typeof item === 'string')
}

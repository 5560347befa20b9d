import type { JsonValue } from '../mail/json.ts'

/** What is left to spend, in characters; shared by all that goes into one record. */
export interface JsonBudget {
  left: number
}

const deepest = 8
const longestText = 1000
const longestList = 200

/**
 * A bounded copy of what a plugin handed over as JSON, whatever it really is: no cycle, no BigInt and no
 * megabyte of evidence gets into a record. What does not fit becomes `…`.
 */
export function jsonWithin(value: unknown, budget: JsonBudget, depth = 0): JsonValue {
  budget.left -= 4
  if (budget.left < 0 || depth > deepest) return '…'
  switch (typeof value) {
    case 'string': {
      const text = value.length > longestText ? `${value.slice(0, longestText)}…` : value
      budget.left -= text.length
      return text
    }
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'object':
      break
    default:
      return value === undefined ? null : typeof value
  }
  if (value === null) return null
  if (Array.isArray(value)) {
    const some = value.length > longestList ? value.slice(0, longestList) : value
    return some.map((item) => jsonWithin(item, budget, depth + 1))
  }
  const copy: Record<string, JsonValue> = {}
  let left = longestList
  // One key after the other: this runs for every step that tells something, and lists of pairs cost more than the copy.
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    if (left === 0) break
    left -= 1
    budget.left -= key.length
    const name = key.length > longestText ? key.slice(0, longestText) : key
    copy[name] = jsonWithin(fieldOf(value, key), budget, depth + 1)
  }
  return copy
}

/** A field that is code may fail. */
function fieldOf(value: object, key: string): unknown {
  try {
    const field: unknown = Reflect.get(value, key)
    return field
  } catch {
    return '…'
  }
}

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
    return value.slice(0, longestList).map((item) => jsonWithin(item, budget, depth + 1))
  }
  const copy: Record<string, JsonValue> = {}
  for (const [key, item] of Object.entries(value).slice(0, longestList)) {
    budget.left -= key.length
    copy[key.slice(0, longestText)] = jsonWithin(item, budget, depth + 1)
  }
  return copy
}

import { quoted } from './json-text.ts'

/** What is left to spend, in characters; shared by all that goes into one record. */
export interface JsonBudget {
  left: number
}

const deepest = 8
const longestText = 1000
const longestList = 200
/** Stands for what does not fit. */
const cut = '"…"'

/**
 * As JSON, within bounds, what a plugin handed over as JSON, whatever it really is: no cycle, no BigInt and no megabyte of
 * evidence gets into a record. What does not fit becomes `…`.
 */
export function jsonWithin(value: unknown, budget: JsonBudget, depth = 0): string {
  budget.left -= 4
  if (budget.left < 0 || depth > deepest) return cut
  switch (typeof value) {
    case 'string': {
      const text = value.length > longestText ? `${value.slice(0, longestText)}…` : value
      budget.left -= text.length
      return quoted(text)
    }
    case 'number':
      return Number.isFinite(value) ? `${value}` : `"${value}"`
    case 'boolean':
      return `${value}`
    case 'object':
      break
    default:
      return value === undefined ? 'null' : `"${typeof value}"`
  }
  if (value === null) return 'null'
  return Array.isArray(value)
    ? listWithin(value, budget, depth)
    : objectWithin(value, budget, depth)
}

function listWithin(list: readonly unknown[], budget: JsonBudget, depth: number): string {
  const length = Math.min(list.length, longestList)
  let json = ''
  for (let at = 0; at < length; at++) {
    json += at === 0 ? '' : ','
    json += jsonWithin(list[at], budget, depth + 1)
  }
  return `[${json}]`
}

function objectWithin(value: object, budget: JsonBudget, depth: number): string {
  let json = ''
  let left = longestList
  // One key after the other: this runs for every step that tells something, and lists of pairs cost more than the text.
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    if (left === 0) break
    // The names of all that does not fit would be more than what does.
    if (budget.left < 0) return `{${json},${cut}:${cut}}`
    left -= 1
    budget.left -= key.length
    const name = key.length > longestText ? key.slice(0, longestText) : key
    json += json === '' ? '' : ','
    json += `${quoted(name)}:${jsonWithin(fieldOf(value, key), budget, depth + 1)}`
  }
  return `{${json}}`
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

/**
 * Files that the options of an entry name and that are not there, or of no use. What a plugin names itself may be missing:
 * nobody needs control/badhelo. What an operator has written is meant.
 */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { EntryConfig, Values } from './entry.ts'
import { errorDetail } from './fault.ts'

/** A list of one's own, which nothing but an editor makes. @param values what the options have opened */
export function missingTables(config: EntryConfig, values: Values): readonly Mistake[] {
  return missing(config, values, ['path of a table'])
}

/** What a command may make later: works, and finds nothing until then. */
export function missingOthers(config: EntryConfig, values: Values): readonly Mistake[] {
  const doubts = missing(config, values, ['path of a file', 'path of a cdb'])
  return doubts.map((doubt) => ({ ...doubt, code: 'entry' }))
}

function missing(
  { plugin, mode, place, options }: EntryConfig,
  values: Values,
  types: readonly string[],
): readonly Mistake[] {
  if (mode === 'off') return []
  const written = isObject(options) ? options : {}
  return Object.entries(plugin.options ?? {}).flatMap(([key, option]) => {
    const path = written[key] ?? option.default
    if (!types.includes(option.type) || typeof path !== 'string') return []
    const at = ['options', key]
    try {
      if (isThere(values[key]) || path === option.default) return []
      const problem = `there is no file ${path}`
      const remedy = `make it, or write another path; it begins in the folder of this file`
      return [mistakeAt(place, at, { problem, remedy })]
    } catch (error) {
      const problem = `${path} cannot be used: ${errorDetail(error)}`
      return [mistakeAt(place, at, { problem, remedy: 'it must be a file that can be read' })]
    }
  })
}

/** @throws Error where it is there and cannot be read: a cdb says so only to whoever asks it */
function isThere(opened: unknown): boolean {
  if (typeof opened !== 'object' || opened === null) return true
  if ('read' in opened && typeof opened.read === 'function') return opened.read() !== undefined
  if ('get' in opened && typeof opened.get === 'function') opened.get('')
  return !('present' in opened) || opened.present === true
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

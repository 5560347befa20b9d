/**
 * Files that the options of an entry name and that are not there. What a plugin names itself may be missing: nobody needs
 * control/badhelo. What an operator has written is meant.
 */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { Option, OptionResources } from '../plugin/option.ts'
import type { EntryConfig } from './entry.ts'

/** A list of one's own, which nothing but an editor makes. */
export function missingTables(config: EntryConfig, resources: OptionResources): readonly Mistake[] {
  return missing(config, 'path of a table', (path) => resources.table(path).present)
}

/** What a command may make later: works, and finds nothing until then. */
export function missingOthers(config: EntryConfig, resources: OptionResources): readonly Mistake[] {
  return [
    ...missing(config, 'path of a file', (path) => resources.file(path).read() !== undefined),
    ...missing(config, 'path of a cdb', (path) => resources.cdb(path).present),
  ].map((doubt) => ({ ...doubt, code: 'entry' }))
}

function missing(
  { plugin, mode, place, options }: EntryConfig,
  type: Option<unknown>['type'],
  isThere: (path: string) => boolean,
): readonly Mistake[] {
  if (mode === 'off' || !isObject(options)) return []
  return Object.entries(plugin.options ?? {}).flatMap(([key, option]) => {
    const path = options[key]
    const isMeant = option.type === type && typeof path === 'string' && path !== option.default
    if (!isMeant || isThere(path)) return []
    const problem = `there is no file ${path}`
    const remedy = `make it, or write another path; it begins in the folder of this file`
    return [mistakeAt(place, ['options', key], { problem, remedy })]
  })
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

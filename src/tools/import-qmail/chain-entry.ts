import type { JsonObject, JsonValue } from '../../mail/json.ts'
import type { ConfigFiles } from './config-files.ts'
import type { ImportFindings } from './findings.ts'
import type { Service } from './services.ts'
import type { ServiceVariables } from './variables.ts'
import type { Sourced, WrittenEntry } from './written-config.ts'

export interface EntriesRequest {
  readonly service: Service
  readonly variables: ServiceVariables
  readonly files: ConfigFiles
  readonly findings: ImportFindings
  /** Whether a control file of this name is there. */
  readonly hasControl: (name: string) => boolean
  /** Whether a rule for clients turns this variable on. */
  readonly setByRule: (variable: string) => boolean
}

/** An entry without values that nobody gave. */
export function entry(
  plugin: string,
  from: string,
  options: Readonly<Record<string, JsonValue | undefined>> = {},
  settings: JsonObject = {},
): WrittenEntry {
  const given = Object.entries(options).flatMap(
    ([key, value]): readonly (readonly [string, Sourced])[] =>
      value === undefined ? [] : [[key, { value }]],
  )
  return { plugin, from, settings, options: new Map(given) }
}

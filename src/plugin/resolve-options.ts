/**
 * From what the configuration says to the values a plugin is handed: checked as a whole, so that
 * the operator sees all mistakes at once, frozen, and resolved once more for each environment that
 * overrides some of them.
 */
import type { Environment } from '../mail/environment.ts'
import type { JsonValue } from '../mail/json.ts'
import { nearest } from './nearest.ts'
import type { OptionResources, OptionShape, OptionValues } from './option.ts'

/** One mistake, with the option it is about. */
export interface OptionMistake {
  readonly key: string
  readonly problem: string
  readonly remedy: string
}

export type Resolved<V> =
  | { readonly ok: true; readonly values: V }
  | { readonly ok: false; readonly mistakes: readonly OptionMistake[] }

/** Options as they hold for one environment, or the variable that does not parse. */
export type InForce<V> =
  | { readonly ok: true; readonly values: V }
  | { readonly ok: false; readonly problem: string }

/** Checks `given` against `shape`; `undefined` stands for no options at all. */
export function resolveOptions<O extends OptionShape>(
  shape: O,
  given: JsonValue | undefined,
  resources: OptionResources,
): Resolved<OptionValues<O>> {
  if (given !== undefined && !isObject(given)) {
    const remedy = 'write the options as key: value'
    return { ok: false, mistakes: [{ key: '', problem: 'the options are not a map', remedy }] }
  }
  const written = new Map(Object.entries(given ?? {}))
  const values: Record<string, unknown> = {}
  const mistakes = [...written.keys()].flatMap((key) => unknownKey(shape, key))
  for (const [key, option] of Object.entries(shape)) {
    const value = written.has(key) ? written.get(key) : option.default
    if (value === undefined) {
      mistakes.push({ key, problem: 'is missing', remedy: `it must be given (${option.type})` })
      continue
    }
    const parsed = option.parse(value, resources)
    if (parsed.ok) values[key] = frozen(parsed.value)
    else if (written.has(key)) {
      mistakes.push({ key, problem: parsed.problem, remedy: parsed.remedy })
    } else {
      const problem = `${parsed.problem}, and yet the plugin has it by default`
      mistakes.push({ key, problem, remedy: `repair the plugin; until then ${parsed.remedy}` })
    }
  }
  return mistakes.length > 0
    ? { ok: false, mistakes }
    : { ok: true, values: Object.freeze(typed<O>(values)) }
}

/** One plugin's values are shared by all sessions. Tables and networks are objects that nobody can change. */
function frozen(value: unknown): unknown {
  return Array.isArray(value) ? Object.freeze(value) : value
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknownKey(shape: OptionShape, key: string): readonly OptionMistake[] {
  if (Object.hasOwn(shape, key)) return []
  const known = Object.keys(shape)
  const meant = nearest(key, known)
  const remedy =
    meant !== undefined
      ? `did you mean ${meant}?`
      : known.length > 0
        ? `there are: ${known.join(', ')}`
        : 'this plugin has no options'
  return [{ key, problem: 'is not an option', remedy }]
}

/** The one place where parsed values get the type that their options declare. */
function typed<O extends OptionShape>(values: Readonly<Record<string, unknown>>): OptionValues<O> {
  return values as OptionValues<O>
}

/** Environments whose options are remembered; more than this means that somebody makes them up. */
const rememberedEnvironments = 1024

/**
 * The options in force for an environment: the file's values, with those overridden that declare a
 * variable which is set. Resolved once for each Environment object; those that override nothing cost nothing.
 */
export function environmentOptions<O extends OptionShape>(
  shape: O,
  base: OptionValues<O>,
  resources: OptionResources,
): (environment: Environment) => InForce<OptionValues<O>> {
  const unchanged = { ok: true, values: base } as const
  const overridable = Object.entries(shape).filter(([, { env }]) => env !== undefined)
  if (overridable.length === 0) return () => unchanged

  let known = new WeakMap<Environment, InForce<OptionValues<O>>>()
  let count = 0
  const resolve = (environment: Environment): InForce<OptionValues<O>> => {
    const values: Record<string, unknown> = { ...base }
    let changed = false
    for (const [key, option] of overridable) {
      const text = option.env === undefined ? undefined : environment.variables.get(option.env)
      if (text === undefined) continue
      const raw = option.fromText(text)
      const parsed = raw.ok ? option.parse(raw.value, resources) : raw
      if (!parsed.ok) {
        const where = `${option.env} of ${environment.source}`
        return { ok: false, problem: `${where}: ${parsed.problem}; ${parsed.remedy}` }
      }
      values[key] = frozen(parsed.value)
      changed = true
    }
    return changed ? { ok: true, values: Object.freeze(typed<O>(values)) } : unchanged
  }
  return (environment) => {
    if (environment.variables.size === 0) return unchanged
    const before = known.get(environment)
    if (before !== undefined) return before
    if (++count > rememberedEnvironments) {
      known = new WeakMap()
      count = 1
    }
    const inForce = resolve(environment)
    known.set(environment, inForce)
    return inForce
  }
}

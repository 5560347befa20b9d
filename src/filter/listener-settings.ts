/**
 * From what the section `receiver` and each listener say to the settings that a client meets: resolved once for each
 * listener and environment. A listener's own options stand above its role's, those above the section's, and those above
 * control files.
 */
import type { Environment } from '../mail/environment.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { mistakeAt, type Mistake, type WrittenAt } from '../plugin/mistake.ts'
import type { OptionResources } from '../plugin/option.ts'
import { environmentOptions, resolveOptions } from '../plugin/resolve-options.ts'
import type { LoginMechanism, ListenerRole, ReceiverSettings } from '../smtp/policy.ts'
import { impossibleSetting } from './impossible-setting.ts'
import { presetsOf } from './listener-roles.ts'
import {
  receiverOptions,
  settingsFrom,
  type ReceiverValues,
  type SettingsTraits,
} from './receiver-settings.ts'
import { switched } from './receiver-switches.ts'

export interface ReceiverSection {
  /** As written in the file. */
  readonly options: JsonValue | undefined
  readonly place: WrittenAt
  /** What holds where the file says nothing, for instance by control files: `hostname`, `max_message`. */
  readonly defaults: JsonObject
  /** Of Postern; absent: it cannot be told. */
  readonly version?: string
}

export interface ListenerTraits {
  readonly name: string
  /** `mx` where absent. */
  readonly role?: ListenerRole
  /** Whether it has TLS, by STARTTLS or from the first byte. */
  readonly tls: boolean
  /** What it has in place of the section, as written below its key `receiver`. */
  readonly options?: JsonValue | undefined
  readonly place?: WrittenAt
}

/** The settings of a listener as an environment has them; where a variable does not parse, the file's. */
export type SettingsOf = (
  listener: string,
  environment: Environment,
) =>
  | { readonly ok: true; readonly settings: ReceiverSettings }
  | { readonly ok: false; readonly settings: ReceiverSettings; readonly problem: string }

export interface ReceiverRequest {
  readonly section: ReceiverSection
  readonly listeners: readonly ListenerTraits[]
  readonly resources: OptionResources
  /** The mechanisms that an enabled entry can answer. */
  readonly answerable: readonly LoginMechanism[]
}

type Settled =
  | { readonly ok: true; readonly settingsOf: SettingsOf }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

export function receiverSettings(request: ReceiverRequest): Settled {
  const { section, listeners, resources } = request
  const given = isMap(section.options)
    ? { ...section.defaults, ...section.options }
    : (section.options ?? section.defaults)
  const common = resolveOptions(receiverOptions, given, resources)
  const mistakes = (common.ok ? [] : common.mistakes).map((mistake) =>
    mistakeAt(section.place, mistake.key === '' ? [] : [mistake.key], mistake),
  )
  const byListener = new Map<string, Resolver>()
  for (const listener of listeners) {
    const settled = settleListener(listener, isMap(given) ? given : {}, request)
    // What is wrong with the section is wrong for every listener, and said once.
    const said = new Set(mistakes.map((mistake) => JSON.stringify(mistake)))
    mistakes.push(...settled.mistakes.filter((mistake) => !said.has(JSON.stringify(mistake))))
    byListener.set(listener.name, settled.resolver)
  }
  if (!common.ok || mistakes.length > 0) return { ok: false, mistakes }
  const { version } = section
  const { answerable } = request
  const traits: SettingsTraits = { role: 'mx', tls: false, answerable, version }
  const elsewhere = resolverOf(common.values, resources, (values) => ({
    ok: true,
    settings: settingsFrom(switched(values), traits),
  }))
  return {
    ok: true,
    settingsOf: (listener, environment) => (byListener.get(listener) ?? elsewhere)(environment),
  }
}

type Resolver = (environment: Environment) => ReturnType<SettingsOf>

/** Mistakes of the section are not said again for each listener. */
function settleListener(
  listener: ListenerTraits,
  section: JsonObject,
  { section: { place: sectionPlace, version }, resources, answerable }: ReceiverRequest,
): { readonly resolver: Resolver; readonly mistakes: readonly Mistake[] } {
  const { role = 'mx', tls, options: written, place = sectionPlace } = listener
  const none: Resolver = () => {
    throw new Error('settings with mistakes are in force')
  }
  const own = written ?? {}
  if (!isMap(own)) {
    const problem = 'the options are not a map'
    const remedy = 'write the options as key: value'
    return { resolver: none, mistakes: [mistakeAt(place, ['receiver'], { problem, remedy })] }
  }
  const given = { ...section, ...presetsOf(role), ...own }
  const resolved = resolveOptions(receiverOptions, given, resources)
  if (!resolved.ok) {
    const mistakes = resolved.mistakes
      .filter(({ key }) => Object.hasOwn(own, key))
      .map((mistake) => mistakeAt(place, ['receiver', mistake.key], mistake))
    return { resolver: none, mistakes }
  }
  const traits = { role, tls, answerable, version }
  const impossible = impossibleSetting(listener.name, resolved.values, traits)
  if (impossible !== undefined) {
    const { key } = impossible
    const mistake = Object.hasOwn(own, key)
      ? mistakeAt(place, ['receiver', key], impossible)
      : Object.hasOwn(presetsOf(role), key)
        ? mistakeAt(place, ['role'], impossible)
        : mistakeAt(sectionPlace, [key], impossible)
    return { resolver: none, mistakes: [mistake] }
  }
  const resolver = resolverOf(resolved.values, resources, (values, environment) => {
    const settings = settingsFrom(switched(values), traits)
    // Of the file's own values that is known; a variable may bring it about.
    const mistake = impossibleSetting(listener.name, values, traits)
    if (mistake === undefined) return { ok: true, settings }
    const { key, problem } = mistake
    return { ok: false, settings, problem: `${key} by ${environment.source} ${problem}` }
  })
  return { resolver, mistakes: [] }
}

function resolverOf(
  base: ReceiverValues,
  resources: OptionResources,
  make: (values: ReceiverValues, environment: Environment) => ReturnType<SettingsOf>,
): Resolver {
  const valuesIn = environmentOptions(receiverOptions, base, resources)
  const settingsFor = remembering(make)
  return (environment) => {
    const inForce = valuesIn(environment)
    return inForce.ok
      ? settingsFor(inForce.values, environment)
      : { ok: false, settings: settingsFor(base, environment).settings, problem: inForce.problem }
  }
}

function isMap(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Make<T> = (values: ReceiverValues, environment: Environment) => T

/** Values are few and shared (see environmentOptions), so what is made of them is shared as well. */
function remembering<T>(make: Make<T>): Make<T> {
  const made = new WeakMap<ReceiverValues, T>()
  return (values, environment) => {
    const before = made.get(values)
    if (before !== undefined) return before
    const now = make(values, environment)
    made.set(values, now)
    return now
  }
}

/** Whether a module holds a plugin, and exactly one: at run time, for authors whose editor did not say. */
import type { Plugin } from '../plugin/plugin.ts'
import type { ConditionShape } from '../plugin/condition.ts'
import { nearest } from '../plugin/nearest.ts'
import { isAbility } from './plugin-instance.ts'

export type Examined =
  | { readonly ok: true; readonly plugin: Plugin }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface Problem {
  readonly problem: string
  readonly remedy: string
}

const example = 'see plugins/README.md for one that works'

/** @param name of the folder */
export function examineModule(module: unknown, name: string): Examined {
  const exported = Object.entries(isRecord(module) ? module : {}).flatMap(([as, value]) =>
    isPlugin(value) ? [{ as, plugin: value }] : [],
  )
  const [only, ...others] = exported
  if (only === undefined) {
    const problem = 'exports no plugin'
    const remedy = `write export const ${camelCase(name)} = definePlugin({ … }); ${example}`
    return { ok: false, problems: [{ problem, remedy }] }
  }
  if (others.length > 0) {
    const names = exported.map(({ as }) => as).join(', ')
    const remedy = 'give each plugin a folder of its own'
    return { ok: false, problems: [{ problem: `exports several plugins: ${names}`, remedy }] }
  }
  const problems = [...nameProblems(only, name), ...definitionProblems(only.plugin)]
  return problems.length > 0 ? { ok: false, problems } : { ok: true, plugin: only.plugin }
}

function isPlugin(value: unknown): value is Plugin {
  return isRecord(value) && value['kind'] === 'postern-plugin'
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null
}

function nameProblems(
  { as, plugin }: { readonly as: string; readonly plugin: Plugin },
  folder: string,
): readonly Problem[] {
  const problems: Problem[] = []
  if (plugin.name !== folder) {
    const remedy = `write name: '${folder}', or rename the folder`
    const name: string | undefined = plugin.name
    const problem =
      name === undefined ? 'its plugin has no name' : `its plugin is called ${String(name)}`
    problems.push({ problem, remedy })
  }
  if (as !== camelCase(folder)) {
    const remedy = `write export const ${camelCase(folder)}`
    problems.push({ problem: `exports its plugin as ${as}`, remedy })
  }
  return problems
}

interface Part {
  readonly fits: (value: unknown) => boolean
  readonly remedy: string
}

const keyList: Part = { fits: isKeyList, remedy: 'write a list of keys that findingKey made' }

/** Each key of a definition with what it may be. */
const definition: ReadonlyMap<string, Part> = new Map([
  ['kind', { fits: (value) => value === 'postern-plugin', remedy: 'definePlugin writes it' }],
  ['name', text('the name of its folder')],
  ['summary', text('one sentence')],
  ['vouches', word(['local', 'relay'])],
  ['mayVouch', { fits: isFunction, remedy: 'write mayVouch: (options) => options.vouches' }],
  ['replaces', { fits: (value) => value === true, remedy: 'write true, or leave it out' }],
  ['options', { fits: isRecord, remedy: "write name: option.string({ default: '…' })" }],
  ['variables', { fits: isRecord, remedy: "write NAME: 'what it does'" }],
  ['needs', keyList],
  ['wants', keyList],
  ['provides', keyList],
  ['defaults', { fits: isRecord, remedy: "write for instance { onFault: 'defer' }" }],
  ['setup', { fits: isFunction, remedy: 'write setup: (options, doors) => ({ hooks })' }],
])

/** Each key of `defaults`, in the same way. */
const entryDefaults: ReadonlyMap<string, Part> = new Map([
  ['refuseAt', word(['now', 'rcpt'])],
  ['onFault', word(['defer', 'pass', 'reject', 'quarantine'])],
  [
    'timeoutMs',
    {
      fits: (value) => typeof value === 'number' && value > 0 && value <= longestTimeoutMs,
      remedy: 'write milliseconds, such as 30_000',
    },
  ],
  [
    'unless',
    {
      fits: isRecord,
      remedy: 'write a condition such as { authenticated: true }, or a list of them',
    },
  ],
])

const yesOrNo: Part = {
  fits: (value) => typeof value === 'boolean',
  remedy: 'write true or false, without quotes',
}
const texts: Part = { fits: isTextList, remedy: "write a list such as ['one', 'two']" }

/** Each key of a condition. One that nobody knows would exempt more than is meant. */
const condition: ReadonlyMap<string, Part> = new Map(
  Object.entries({
    listener: texts,
    authenticated: yesOrNo,
    relay_client: yesOrNo,
    allowed: yesOrNo,
    network: texts,
    environment: texts,
    recipient: texts,
    recipient_domain: texts,
  } satisfies Record<keyof ConditionShape, Part>),
)

const longestTimeoutMs = 86_400_000

function text(what: string): Part {
  return { fits: (value) => typeof value === 'string', remedy: `write ${what}` }
}

function word(words: readonly string[]): Part {
  return {
    fits: (value) => words.some((each) => each === value),
    remedy: `write one of ${words.join(', ')}`,
  }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isKeyList(value: unknown): boolean {
  return (
    Array.isArray(value) && value.every((key) => isRecord(key) && typeof key['name'] === 'string')
  )
}

function definitionProblems(plugin: Plugin): readonly Problem[] {
  const problems = [
    ...partProblems(plugin, definition, 'its definition'),
    ...(isRecord(plugin.defaults)
      ? [
          ...partProblems(plugin.defaults, entryDefaults, 'the defaults of its definition'),
          ...conditionProblems(plugin.defaults['unless']),
        ]
      : []),
    ...(isRecord(plugin.options) ? Object.entries(plugin.options).flatMap(optionProblems) : []),
  ]
  if ('setup' in plugin) return problems
  return [...problems, { problem: 'has no setup in its definition', remedy: example }]
}

function conditionProblems(unless: unknown): readonly Problem[] {
  const conditions: readonly unknown[] = Array.isArray(unless) ? unless : [unless ?? {}]
  return conditions.flatMap((each): readonly Problem[] =>
    isRecord(each)
      ? partProblems(each, condition, 'unless in its defaults')
      : [{ problem: 'has an unless in its defaults that is none', remedy: 'write an object' }],
  )
}

function partProblems(
  parts: object,
  known: ReadonlyMap<string, Part>,
  where: string,
): readonly Problem[] {
  return Object.entries(parts).flatMap(([key, value]): readonly Problem[] => {
    const part = known.get(key)
    if (part === undefined) {
      return [{ problem: `has an unknown key ${key} in ${where}`, remedy: meantBy(key, known) }]
    }
    if (value === undefined || part.fits(value)) return []
    return [{ problem: `has a ${key} in ${where} that is none`, remedy: part.remedy }]
  })
}

function meantBy(key: string, known: ReadonlyMap<string, Part>): string {
  if (known === definition && isAbility(key)) return `setup returns it: setup: () => ({ ${key} })`
  const meant = nearest(key, known.keys())
  return meant === undefined ? example : `did you mean ${meant}?`
}

function optionProblems([name, option]: [string, unknown]): readonly Problem[] {
  if (!isRecord(option) || !isFunction(option['parse']) || !isFunction(option['fromText'])) {
    const remedy = `write ${name}: option.string(…), or another of option`
    return [{ problem: `has an option ${name} that is none`, remedy }]
  }
  const variable = option['env']
  if (variable === undefined || (typeof variable === 'string' && /^\w+$/.test(variable))) return []
  const remedy = 'write letters, digits and _, as tcp.smtp has them'
  return [{ problem: `has an option ${name} whose env is no name of a variable`, remedy }]
}

/** `relay-clients` → `relayClients` */
function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

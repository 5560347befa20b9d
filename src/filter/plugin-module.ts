/** Whether a module holds a plugin, and exactly one: at run time, for authors whose editor did not say. */
import type { Plugin } from '../plugin/plugin.ts'
import { nearest } from '../plugin/nearest.ts'

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
    problems.push({ problem: `its plugin is called ${String(plugin.name)}`, remedy })
  }
  if (as !== camelCase(folder)) {
    const remedy = `write export const ${camelCase(folder)}`
    problems.push({ problem: `exports its plugin as ${as}`, remedy })
  }
  return problems
}

/** Each key of a definition with what it may be. */
const definition: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['kind', (value: unknown) => value === 'postern-plugin'],
  ['name', (value: unknown) => typeof value === 'string'],
  ['summary', (value: unknown) => typeof value === 'string'],
  ['vouches', (value: unknown) => value === 'local' || value === 'relay'],
  ['replaces', (value: unknown) => value === true],
  ['options', isRecord],
  ['variables', isRecord],
  ['needs', isKeyList],
  ['wants', isKeyList],
  ['provides', isKeyList],
  ['defaults', isRecord],
  ['setup', (value: unknown) => typeof value === 'function'],
])

function isKeyList(value: unknown): boolean {
  return (
    Array.isArray(value) && value.every((key) => isRecord(key) && typeof key['name'] === 'string')
  )
}

function definitionProblems(plugin: Plugin): readonly Problem[] {
  const given = new Map<string, unknown>(Object.entries(plugin))
  const problems = [...given].flatMap(([key, value]): readonly Problem[] => {
    const fits = definition.get(key)
    if (fits === undefined) {
      const meant = nearest(key, definition.keys())
      const remedy = meant === undefined ? example : `did you mean ${meant}?`
      return [{ problem: `has an unknown key ${key} in its definition`, remedy }]
    }
    if (value === undefined || fits(value)) return []
    return [{ problem: `has a ${key} in its definition that is none`, remedy: example }]
  })
  if (given.has('setup')) return problems
  return [...problems, { problem: 'has no setup in its definition', remedy: example }]
}

/** `relay-clients` → `relayClients` */
function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** What `setup` of a plugin may return, at run time: a hook that is misspelt would never be asked, and nobody would know. */
import { stages } from '../mail/status.ts'
import { nearest } from '../plugin/nearest.ts'
import type { PluginInstance } from '../plugin/plugin.ts'

const abilities = new Set<string>([
  ...stages,
  'verify',
  'secretFor',
  'checkResponse',
  'checkApop',
  'sign',
  'loginEnded',
  'route',
  'deliver',
  'observe',
  'check',
  'vouching',
  'taken',
  'sessionEnded',
  'probe',
  'learn',
  'classOf',
  'unasked',
  'dependsOn',
  'open',
  'close',
] satisfies readonly (keyof PluginInstance<unknown>)[])

/** Whether it is ever asked or told anything. */
export function doesSomething(instance: object): boolean {
  return [...abilities].some((ability) => ability in instance)
}

export function isAbility(name: string): boolean {
  return abilities.has(name)
}

interface Problem {
  readonly problem: string
  readonly remedy: string
}

const hooks = 'setup returns { hook(event, context) { … } }'

export function instanceProblems(instance: unknown): readonly Problem[] {
  if (typeof instance !== 'object' || instance === null) {
    return [{ problem: 'returns nothing from setup', remedy: hooks }]
  }
  if ('then' in instance) {
    const remedy = 'take async from setup; what must be waited for belongs into open'
    return [{ problem: 'returns a promise from setup', remedy }]
  }
  return Object.entries(instance).flatMap(([key, value]) => partProblems(instance, key, value))
}

function partProblems(instance: object, key: string, value: unknown): readonly Problem[] {
  if (abilities.has(key)) {
    if (value === undefined || typeof value === 'function') return []
    return [{ problem: `has a ${key} that is no function`, remedy: hooks }]
  }
  // An instance of a class may have fields of its own.
  if (Object.getPrototypeOf(instance) !== Object.prototype) return []
  const meant = nearest(key, abilities)
  const remedy =
    meant === undefined ? `there are: ${[...abilities].join(', ')}` : `did you mean ${meant}?`
  return [{ problem: `has an unknown hook ${key}`, remedy }]
}

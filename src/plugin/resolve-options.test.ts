import { describe, expect, test } from 'vitest'
import type { Environment } from '../mail/environment.ts'
import { memoryFiles } from '../testkit/memory-files.ts'
import { option } from './option-makers.ts'
import { environmentOptions, resolveOptions } from './resolve-options.ts'

const files = memoryFiles()
const shape = {
  separator: option.string({ default: '+', env: 'TAGSEPARATOR' }),
  limit: option.integer({ min: 0, env: 'LIMIT' }),
  strict: option.boolean({ default: false }),
} as const

function values(given: { readonly [key: string]: string | number | boolean | null }) {
  const resolved = resolveOptions(shape, given, files)
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.mistakes))
  return resolved.values
}

const environment = (variables: Record<string, string>): Environment => ({
  variables: new Map(Object.entries(variables)),
  source: 'tcp.smtp:12 (192.0.2.)',
})

describe('resolving options', () => {
  test('defaults hold where nothing is said, and the result cannot be changed', () => {
    const resolved = values({ limit: 3 })
    expect(resolved).toEqual({ separator: '+', limit: 3, strict: false })
    expect(Object.isFrozen(resolved)).toBe(true)
  })

  test('a list cannot be changed either, whether the file has it or a variable', () => {
    const lists = { words: option.strings({ default: ['one'], env: 'WORDS' }) }
    const resolved = resolveOptions(lists, undefined, files)
    expect(resolved.ok && Object.isFrozen(resolved.values.words)).toBe(true)
    const base = { words: ['one'] }
    const inForce = environmentOptions(lists, base, files)(environment({ WORDS: 'a b' }))
    expect(inForce.ok && Object.isFrozen(inForce.values.words)).toBe(true)
  })

  test('a default that does not fit is the mistake of the plugin, not of the file', () => {
    const odd = { wait: option.duration({ default: 'soon' }) }
    expect(resolveOptions(odd, undefined, files)).toMatchObject({
      mistakes: [{ key: 'wait', problem: expect.stringContaining('the plugin has it by default') }],
    })
  })

  test('all mistakes come at once, each with its key', () => {
    expect(resolveOptions(shape, { seperator: '-', strict: 'no' }, files)).toEqual({
      ok: false,
      mistakes: [
        { key: 'seperator', problem: 'is not an option', remedy: 'did you mean separator?' },
        {
          key: 'limit',
          problem: 'is missing',
          remedy: expect.stringContaining('it must be given'),
        },
        { key: 'strict', problem: '"no" is not true or false', remedy: expect.any(String) },
      ],
    })
  })

  test('a key without a value is a mistake, not the default', () => {
    expect(resolveOptions(shape, { limit: 1, separator: null }, files)).toMatchObject({
      mistakes: [{ key: 'separator', problem: 'null is not text' }],
    })
  })

  test('options that are no map are a mistake', () => {
    expect(resolveOptions(shape, ['limit'], files)).toMatchObject({ ok: false })
    expect(resolveOptions(shape, null, files)).toMatchObject({ ok: false })
  })

  test('a plugin without options takes none', () => {
    expect(resolveOptions({}, undefined, files)).toEqual({ ok: true, values: {} })
    expect(resolveOptions({}, { any: 1 }, files)).toMatchObject({
      mistakes: [{ key: 'any', remedy: 'this plugin has no options' }],
    })
  })

  test('names that every object has are no options', () => {
    expect(resolveOptions(shape, JSON.parse('{"limit":1,"__proto__":1}'), files)).toMatchObject({
      ok: false,
      mistakes: [{ key: '__proto__' }],
    })
    expect(resolveOptions(shape, { limit: 1, constructor: 1 }, files)).toMatchObject({ ok: false })
  })
})

describe('options in an environment', () => {
  const inForce = environmentOptions(shape, values({ limit: 3 }), files)

  test('a variable overrides its option, and no other', () => {
    expect(inForce(environment({ TAGSEPARATOR: '-', OTHER: 'x' }))).toEqual({
      ok: true,
      values: { separator: '-', limit: 3, strict: false },
    })
  })

  test('an environment that overrides nothing gets the very same object', () => {
    const before = inForce(environment({}))
    expect(inForce(environment({ OTHER: 'x' }))).toBe(before)
  })

  test('one environment is resolved once', () => {
    const rule = environment({ LIMIT: '9' })
    expect(inForce(rule)).toBe(inForce(rule))
  })

  test('a variable that does not parse says where it was set and what would be right', () => {
    expect(inForce(environment({ LIMIT: '-1' }))).toEqual({
      ok: false,
      problem:
        'LIMIT of tcp.smtp:12 (192.0.2.): -1 is not a whole number of at least 0; write a whole number of at least 0',
    })
  })

  test('environments without end are not remembered without end', () => {
    const rule = environment({ LIMIT: '9' })
    const first = inForce(rule)
    for (let i = 0; i < 1100; i++) inForce(environment({ LIMIT: String(i) }))
    expect(inForce(rule)).not.toBe(first)
    expect(inForce(rule)).toEqual(first)
  })
})

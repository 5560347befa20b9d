import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as contract from 'postern/plugin'
import type { Plugin } from 'postern/plugin'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the plugin that the page shows is the plugin that is tested', () => {
  const shown = /```ts\n(import \{ definePlugin[^`]+)```/.exec(read('README.md'))?.[1]
  expect(shown).toBe(read('local/revoked-tags/revoked-tags.ts'))
})

const folders = readdirSync(new URL('.', import.meta.url)).filter((name) =>
  existsSync(new URL(`${name}/${name}.ts`, import.meta.url)),
)

async function pluginOf(name: string): Promise<Plugin | undefined> {
  const module: Readonly<Record<string, unknown>> = await import(`./${name}/${name}.ts`)
  return Object.values(module).find(isPlugin)
}

/** What a row of a README must hold, option by option: its name in the first cell, its variable somewhere. */
async function unwritten(name: string): Promise<readonly string[]> {
  const plugin = await pluginOf(name)
  const text = read(`${name}/README.md`)
  const cells = text.split('\n').filter((line) => line.startsWith('| `'))
  const named = new Set(cells.flatMap((row) => row.split('|')[1]?.match(/[a-z0-9_]+/g) ?? []))
  return Object.entries(plugin?.options ?? {}).flatMap(([option, { env }]) => [
    ...(named.has(option) ? [] : [option]),
    ...(env === undefined || text.includes(env) ? [] : [env]),
  ])
}

function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && 'setup' in value && 'name' in value
}

test.each(folders)('the page of %s has all of its options, and their variables', async (name) => {
  expect(await unwritten(name)).toEqual([])
})

test.each(folders)('every finding that %s gives stands in its provides', async (name) => {
  const files = readdirSync(new URL(`${name}/`, import.meta.url)).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const given = files.flatMap((file) =>
    [...read(`${name}/${file}`).matchAll(/\bfinding\((\w+),/g)].map(([, key = '']) => key),
  )
  const own = files.includes('findings.ts') ? await import(`./${name}/findings.ts`) : {}
  const keys: Readonly<Record<string, unknown>> = { ...contract, ...own }
  const provides: readonly unknown[] = (await pluginOf(name))?.provides ?? []
  expect(given.filter((key) => !provides.includes(keys[key]))).toEqual([])
})

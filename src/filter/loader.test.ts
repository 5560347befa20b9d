/**
 * Loads plugins with Node itself, in a process of its own: what vitest does to modules is its own business, what
 * Node does to an operator's plugin is ours.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Mistake } from '../plugin/mistake.ts'
import type { Loaded } from './loader.ts'

const definition = (name: string, more = ''): string =>
  `definePlugin({ name: '${name}', ${more} setup: () => ({}) })`
const imports = "import { definePlugin } from 'postern/plugin'\n"

/** Folders of an operator, far from ours, without a package.json. */
const sources: Readonly<Record<string, string>> = {
  'good/good.ts': `${imports}import { twice } from './part.ts'\nexport const good = ${definition('good')}\nexport const number: number = twice(2)\n`,
  'good/part.ts': 'export const twice = (n: number): number => n * 2\n',
  'two-words/two-words.ts': `${imports}export const twoWords = ${definition('two-words')}\n`,
  'syntax-error/syntax-error.ts': `${imports}export const syntaxError = \n  = 1\n`,
  'enum-used/enum-used.ts': `${imports}\nenum Colour { Red }\nexport const enumUsed = Colour.Red\n`,
  'throws/throws.ts': `${imports}\n\nthrow new Error('no licence')\n`,
  'missing-import/missing-import.ts':
    "import { x } from './gone.ts'\nexport const missingImport = x\n",
  'no-ending/no-ending.ts': `${imports}import { x } from './part'\nexport const noEnding = x\n`,
  'no-package/no-package.ts': `${imports}\nimport x from 'gone-with-the-wind'\nexport const noPackage = x\n`,
  'type-as-value/type-as-value.ts':
    "import { Session } from 'postern/plugin'\nexport const typeAsValue = Session\n",
  'odd-parts/odd-parts.ts': `${imports}export const oddParts = ${definition('odd-parts', "needs: ['spf'], defaults: { onFault: 'ignore', timeout: 5 }, options: { a: 'text' }, rcpt: () => 1,")}\n`,
  'odd-unless/odd-unless.ts': `${imports}export const oddUnless = ${definition('odd-unless', "defaults: { unless: [{ relayClient: true }, { network: '192.0.2.0/24', allowed: 'yes' }, 'x'] },")}\n`,
  'old-module/old-module.ts':
    "const { definePlugin } = require('postern/plugin')\nmodule.exports = definePlugin({})\n",
  'waits/waits.ts': 'await new Promise(() => undefined)\n',
  'no-plugin/no-plugin.ts': 'export const noPlugin = 1\n',
  'two-plugins/two-plugins.ts': `${imports}export const one = ${definition('one')}\nexport const two = ${definition('two')}\n`,
  'no-name/no-name.ts': `${imports}export const noName = definePlugin({ setup: () => ({}) })\n`,
  'wrong-name/wrong-name.ts': `${imports}export const other = ${definition('other')}\n`,
  'odd-key/odd-key.ts': `${imports}export const oddKey = ${definition('odd-key', "sumary: 'x', vouches: 'all',")}\n`,
  'in-both/in-both.ts': `${imports}export const inBoth = ${definition('in-both')}\n`,
  '../local/in-both/in-both.ts': `${imports}export const inBoth = ${definition('in-both')}\n`,
  'built/built.js': `${imports}import { twice } from './part.js'\nimport { thrice } from 'arithmetic'\nexport const built = ${definition('built')}\nexport const number = twice(thrice(1))\n`,
  'built/part.js': 'export const twice = (n) => n * 2\n',
  '../local/mine/mine.ts': `${imports}export const mine = ${definition('mine')}\n`,
}

let root = ''
let results: ReadonlyMap<string, Loaded> = new Map()
let names: readonly string[] = []
let warnings = ''
let ofChain: readonly Mistake[] = []

const asked = [
  ...new Set(
    Object.keys(sources)
      .filter((path) => !path.startsWith('waits'))
      .map((path) => dirname(path).split('/').at(-1) ?? ''),
  ),
  'goood',
  'rcpthosts',
  'local',
  '../good',
  'Good',
]

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'postern-plugins-'))
  const folder = join(root, 'plugins')
  for (const [path, source] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), source)
  }
  // A library of theirs, of the old kind.
  const library = join(folder, 'node_modules/arithmetic')
  mkdirSync(library, { recursive: true })
  writeFileSync(join(library, 'index.js'), 'exports.thrice = (n) => n * 3\n')
  const script = join(root, 'load.ts')
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  writeFileSync(
    script,
    `
    import { loadEntries } from ${url('./load-entries.ts')}
    import { PluginLoader } from ${url('./loader.ts')}
    import { systemClock } from ${url('../runtime/node/clock.ts')}
    import { systemDisk } from ${url('../runtime/node/disk.ts')}
    const folders = ${JSON.stringify([folder, join(root, 'local')])}
    const loader = new PluginLoader({ disk: systemDisk, clock: systemClock, folders })
    const results = []
    for (const name of ${JSON.stringify(asked)}) results.push([name, await loader.load(name)])
    const clock = { after: (_, callback) => ({ cancel: clearTimeout.bind(null, setTimeout(callback)) }) }
    const impatient = new PluginLoader({ disk: systemDisk, clock, folders })
    results.push(['waits', await impatient.load('waits')])
    const place = (index) => ({ file: 'postern.yaml', path: ['chain', index], lineOf: () => index })
    const written = ['good', 'rcpthosts', 'goood', 'relayrej', 'badhelo'].map((plugin, index) => ({ plugin, place: place(index) }))
    const { mistakes } = await loadEntries(loader, written)
    process.stdout.write(JSON.stringify({ results, names: await loader.names(), mistakes }))
  `,
  )
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script])
  const told: { results: [string, Loaded][]; names: string[]; mistakes: Mistake[] } =
    JSON.parse(stdout)
  ofChain = told.mistakes
  results = new Map(told.results)
  names = told.names
  warnings = stderr
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

const mistakesOf = (name: string) => {
  const result = results.get(name)
  return result?.loaded === 'broken' ? result.mistakes : []
}
const file = (name: string): string => join(root, 'plugins', name, `${name}.ts`)

describe('the loader', () => {
  test('loads TypeScript without a build, from anywhere, with our own copy of postern/plugin', () => {
    for (const name of ['good', 'two-words', 'mine']) {
      expect(results.get(name)).toMatchObject({ loaded: 'plugin', plugin: { name } })
    }
    expect(warnings).toBe('')
  })

  test('loads JavaScript as well, and its libraries as they are', () => {
    expect(results.get('built')).toMatchObject({ loaded: 'plugin', plugin: { name: 'built' } })
  })

  test('knows the names of all plugins', () => {
    expect(names).toEqual(expect.arrayContaining(['built', 'good', 'mine', 'throws', 'two-words']))
    expect(names).not.toContain('local')
  })

  test.each([
    ['syntax-error', 3, /Expression expected|Unexpected token/],
    ['enum-used', 3, /enum is not supported/],
    ['throws', 4, /no licence/],
  ])('%s: file and line of what does not load', (name, line, problem) => {
    expect(mistakesOf(name)).toMatchObject([
      { file: file(name), line, problem: expect.stringMatching(problem) },
    ])
  })

  test.each([
    ['missing-import', 1, 'gone.ts', 'put it there'],
    ['no-ending', 2, 'part', 'write its ending, such as part.ts'],
    ['no-package', 3, 'gone-with-the-wind', 'install it beside the plugin'],
    ['type-as-value', 1, 'Session', 'write import type { Session }'],
    ['old-module', 1, 'require', 'plugins are ES modules'],
  ])(
    '%s: an import that is not there is named, with its line and a remedy',
    (name, line, what, remedy) => {
      expect(mistakesOf(name)).toMatchObject([
        {
          file: file(name),
          line,
          problem: expect.stringContaining(what),
          remedy: expect.stringContaining(remedy),
        },
      ])
    },
  )

  test('a plugin that waits for ever at its top holds nobody up for ever', () => {
    expect(mistakesOf('waits')).toMatchObject([
      { file: file('waits'), problem: expect.stringContaining('is not there after 30 s') },
    ])
  })

  test.each([
    ['no-plugin', ['exports no plugin']],
    ['two-plugins', ['exports several plugins: one, two']],
    ['no-name', ['its plugin has no name']],
    ['wrong-name', ['its plugin is called other', 'exports its plugin as other']],
    [
      'odd-key',
      [
        'has an unknown key sumary in its definition',
        'has a vouches in its definition that is none',
      ],
    ],
    [
      'odd-parts',
      [
        'has a needs in its definition that is none',
        'has an unknown key rcpt in its definition',
        'has a onFault in the defaults of its definition that is none',
        'has an unknown key timeout in the defaults of its definition',
        'has an option a that is none',
      ],
    ],
    [
      'odd-unless',
      [
        'has an unknown key relayClient in unless in its defaults',
        'has a network in unless in its defaults that is none',
        'has a allowed in unless in its defaults that is none',
        'has an unless in its defaults that is none',
      ],
    ],
  ])('%s: one plugin in each folder, named as the folder', (name, problems) => {
    expect(mistakesOf(name).map(({ problem }) => problem)).toEqual(problems)
  })

  test.each([
    ['goood', 'there is no plugin goood', 'did you mean good?'],
    ['local', 'there is no plugin local', /put it into/],
    [
      'rcpthosts',
      'there is no plugin rcpthosts',
      /^it lies in \/.*\/plugins: name that folder first/,
    ],
    ['../good', "'../good' is no name of a plugin", /small letters/],
    ['Good', "'Good' is no name of a plugin", /small letters/],
    ['in-both', /there are two plugins in-both/, 'rename one of them'],
  ])('%s: nothing is loaded', (name, problem, remedy) => {
    const says = (text: string | RegExp): unknown => expect.stringMatching(text)
    expect(results.get(name)).toEqual({
      loaded: 'nothing',
      problem: typeof problem === 'string' ? problem : says(problem),
      remedy: typeof remedy === 'string' ? remedy : says(remedy),
      ...(name === 'rcpthosts' ? { liesIn: says(/\/plugins$/) } : {}),
    })
  })

  test('says once of all entries of a chain that our folder of plugins is not named', () => {
    expect(ofChain).toEqual([
      {
        file: 'postern.yaml',
        line: 1,
        key: 'chain[1].plugin',
        problem: 'there is no plugin rcpthosts, and none of 2 others of the chain',
        remedy: expect.stringMatching(/^they lie in \/.*\/plugins: name that folder first/),
      },
      expect.objectContaining({ line: 2, problem: 'there is no plugin goood' }),
    ])
  })
})

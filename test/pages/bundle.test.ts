/** What is handed to a browser, measured as it is built. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTree } from '../tidy/tree.ts'

const pages = fileURLToPath(new URL('../../src/admin/ui', import.meta.url))
const mostBytes = 150 << 10

let folder = ''
const files = new Map<string, Buffer>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-pages-'))
  await build({
    root: pages,
    configFile: join(pages, 'vite.config.ts'),
    logLevel: 'silent',
    build: { outDir: folder },
  })
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (item.isFile()) files.set(item.name, await readFile(join(item.parentPath, item.name)))
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the built pages', () => {
  test('are under 150 KB compressed, all together', () => {
    const sizes = [...files.values()].map((bytes) => gzipSync(bytes).length)
    expect(files.size).toBeGreaterThan(2)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(mostBytes)
  })

  test('have names that change with their content, but for the first', () => {
    const unhashed = [...files.keys()].filter((name) => !/-[\w-]{8}\.(?:js|css|svg)$/.test(name))
    expect(unhashed).toEqual(['index.html'])
  })

  test('begin with a page that holds no script and no style of its own', () => {
    const html = files.get('index.html')?.toString() ?? ''
    expect(html).toContain('<script type="module"')
    expect(html).not.toMatch(/<script(?![^>]* src=)/)
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/)
  })

  test('name no other host', () => {
    const named = [...files].flatMap(([name, bytes]) =>
      [...bytes.toString().matchAll(/https?:\/\/[\w.-]+/g)].map(([host]) => `${name}: ${host}`),
    )
    // The names of XML dialects look like addresses; nobody asks them.
    expect(named.filter((each) => !each.endsWith('http://www.w3.org'))).toEqual([])
  })
})

describe('the source of the pages', () => {
  test('makes no HTML from strings', () => {
    const makers =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment/i
    const sources = [...readTree()].filter(([path]) => /^src\/admin\/ui\/.*\.tsx?$/.test(path))
    expect(sources.length).toBeGreaterThan(50)
    expect(sources.filter(([, text]) => makers.test(text)).map(([path]) => path)).toEqual([])
  })
})

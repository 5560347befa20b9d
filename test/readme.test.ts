import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { wholeProgram } from '../src/cli/program.ts'
import { PluginLoader } from '../src/filter/loader.ts'
import { systemClock } from '../src/runtime/node/clock.ts'
import { systemDisk } from '../src/runtime/node/disk.ts'
import { checkout, runPostern } from './end-to-end/started-gateway.ts'
import { readTree } from './tidy/tree.ts'

const read = (path: string): string => readFileSync(join(checkout, path), 'utf8')

describe('the README', () => {
  test('shows the example plugin as it stands in its tested file', () => {
    expect(read('README.md')).toContain(read('plugins/local/revoked-tags/revoked-tags.ts'))
  })

  test('names the two commands, and CI runs the second', () => {
    expect(read('README.md')).toContain('\nnpm install && npm start\n')
    expect(read('README.md')).toContain('\nnpm install && npm test\n')
    expect(read('.ci/run').trimEnd().split('\n').at(-1)).toBe('npm install && npm test')
  })

  test('names every command of the command line, and no other', async () => {
    const { stdout } = await runPostern(['--help'])
    const listed = stdout.matchAll(/^ {2}([a-z][\w-]*)/gm)
    const commands = [...listed].map(([, name]) => name).filter((name) => name !== 'help')
    const rows = [...read('README.md').matchAll(/^\| (`postern [^|]*)\|/gm)]
    const named = rows.flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(?:postern )?([\w-]+)`/g)].map(([, name]) => name),
    )
    expect(new Set(commands)).toEqual(new Set(named))
  })
})

describe('every page', () => {
  test('shows command lines of commands and options that there are', async () => {
    const program = await wholeProgram()
    const pages = [...readTree()].filter(([path]) => path.endsWith('.md'))
    const wrong = pages.flatMap(([path, text]) =>
      commandLines(text).flatMap((words) =>
        strangersIn(program, words).map((word) => `${path}: postern ${words.join(' ')}: ${word}`),
      ),
    )
    expect(wrong).toEqual([])
  })
})

test('the page of a plugin names every option, and the variable that drives it', async () => {
  const folders = [join(checkout, 'plugins')]
  const loader = new PluginLoader({ disk: systemDisk, clock: systemClock, folders })
  const names = await loader.names()
  const pages = names.map(async (name) => {
    const loaded = await loader.load(name)
    if (loaded.loaded !== 'plugin') return [`${name} does not load`]
    const page = readFileSync(join(loaded.file, '../README.md'), 'utf8')
    return Object.entries(loaded.plugin.options ?? {}).flatMap(([option, { env = option }]) =>
      page.includes(option) && page.includes(env) ? [] : [`${name}: ${option}, ${env}`],
    )
  })
  expect((await Promise.all(pages)).flat()).toEqual([])
  expect(names.length).toBeGreaterThan(30)
  loader.close()
})

/** What is typed behind `postern`, in blocks and in the line, without comments. */
function commandLines(text: string): readonly (readonly string[])[] {
  const lines = text.matchAll(/(?:^|`|npx |sudo )postern ([a-z][^`\n|#]*)/gm)
  return [...lines].map(([, line = '']) =>
    line
      .replace(/ {2,}.*$/, '')
      .trim()
      .split(/[,;:]?\s+/),
  )
}

/** Words that are no command, and options that the command has not. */
function strangersIn(program: Command, words: readonly string[]): readonly string[] {
  let command = program
  let at = 0
  for (; at < words.length; at += 1) {
    const below = command.commands.find((each) => each.name() === words[at])
    if (below === undefined) break
    command = below
  }
  if (command === program) return words.slice(0, 1)
  // Those with options of their own take them all.
  if (!command.options.some(({ long }) => long === '--help' || long === '--config')) return []
  return words.slice(at).flatMap((word) => {
    const name = /^--[a-z-]+/.exec(word)?.[0]
    const isKnown = command.options.some(({ long }) => long === name)
    return name === undefined || name === '--help' || isKnown ? [] : [word]
  })
}

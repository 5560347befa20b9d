import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'

/**
 * Plugins that must not compile. The first line of each file names the error that the compiler owes
 * its author, and why.
 */
const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
const wrong = readdirSync(join(here, 'wrong')).map((file) => {
  const [first = ''] = readFileSync(join(here, 'wrong', file), 'utf8').split('\n')
  const [, code = '', reason = ''] = /^\/\/ (TS\d+): (.+)$/.exec(first) ?? []
  return { file, code, reason }
})

/** What the compiler says, by file. Incidental errors in other files are not ours to judge. */
async function compile(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { promise, resolve } = Promise.withResolvers<string>()
  execFile(process.execPath, [compiler, '-p', here, '--pretty', 'false'], (_error, stdout) =>
    resolve(stdout),
  )
  const codes = new Map<string, Set<string>>()
  for (const [, file = '', code = ''] of (await promise).matchAll(
    /((?:right|wrong)\/[\w-]+\.ts)\(\d+,\d+\): error (TS\d+)/g,
  )) {
    codes.set(file, (codes.get(file) ?? new Set()).add(code))
  }
  return codes
}

let found: ReadonlyMap<string, ReadonlySet<string>> = new Map()

beforeAll(async () => {
  found = await compile()
}, 60_000)

describe('a plugin against the contract does not compile', () => {
  test.each(wrong)('$file: $reason', ({ file, code }) => {
    expect([...(found.get(`wrong/${file}`) ?? [])]).toEqual([code])
  })
})

test('plugins that declare all of their findings compile, wherever a verdict has them', () => {
  expect([...found].filter(([file]) => file.startsWith('right/'))).toEqual([])
})

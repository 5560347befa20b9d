import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { listOfVerbs, programWith, wholeProgram } from './program.ts'
import { verbs } from './verbs.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** Prints the modules that a program loads, when it ends; it knows nothing of ours. */
const witness = `
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'
const urls = []
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
process.on('exit', () => writeSync(2, urls.map((url) => 'loaded ' + url + '\\n').join('')))
`

/** Files that `postern` loads for these words, whatever comes of them. */
async function loadedBy(...words: readonly string[]): Promise<readonly string[]> {
  const hook = `data:text/javascript,${encodeURIComponent(witness)}`
  const env = { PATH: process.env['PATH'], POSTERN_CONFIG: '/nonexistent' }
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', hook, main, ...words],
    { env },
  ).catch((error: unknown) => error as { readonly stderr: string })
  return [...stderr.matchAll(/^loaded file:(.*)$/gm)].map(([, path = '']) => path)
}

describe('the table of verbs', () => {
  test('says of each what its command says of itself', async () => {
    const [list, whole] = [listOfVerbs(), await wholeProgram()]
    const told = ({ commands }: typeof list) =>
      commands.map((each) => [each.name(), each.description(), each.helpGroup()])
    expect(told(list)).toEqual(told(whole))
    expect(list.commands).toHaveLength(verbs.size + 1)
  }, 60_000)

  test('a misspelt word behind a command that has a default is no argument too many', async () => {
    const program = await programWith('queue')
    const list = program?.commands[0]?.commands.find((each) => each.name() === 'list')
    const said: string[] = []
    list?.configureOutput({ writeErr: (text) => void said.push(text) })
    await expect(program?.parseAsync(['queue', 'hld', 'x'], { from: 'user' })).rejects.toThrow(
      'too many arguments',
    )
    expect(said.join('')).toContain('(did you mean hold?)')
  })
})

// A loaded file costs about a millisecond: it is their number that makes a command quick or slow, on any machine.
describe('a light command loads little', () => {
  test.each([
    { words: ['--version'], most: 25 },
    { words: ['help'], most: 25 },
    { words: ['help', 'queue'], most: 25 },
    { words: ['nonsense'], most: 25 },
    { words: ['stat'], most: 185 },
    { words: ['trace', 'last'], most: 225 },
    { words: ['log'], most: 225 },
    { words: ['why', 'last'], most: 225 },
  ])(
    '$words: at most $most files, and no server',
    async ({ words, most }) => {
      const files = await loadedBy(...words)
      expect(files.length).toBeGreaterThan(5)
      expect(files.length).toBeLessThanOrEqual(most)
      const heavy =
        /\/node_modules\/(?:fastify|typebox|mailauth|re2js)\/|\/src\/compose\.ts|\/plugins\//
      expect(files.filter((file) => heavy.test(file))).toEqual([])
    },
    60_000,
  )
})

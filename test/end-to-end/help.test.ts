/** Help by topics, whose examples are run, and completion, which a shell is asked about. */
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics, topicText } from '../../src/cli/help.ts'
import {
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

describe('a topic of the help', () => {
  let folder: GatewayFolder
  let gateway: StartedGateway

  beforeAll(async () => {
    folder = await gatewayFolder()
    gateway = await startGateway(folder)
  })
  afterAll(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test.each(topics)(
    '%s shows examples that work',
    async (topic) => {
      const text = await topicText(topic)
      expect(text.split('\n').filter((line) => line.length > 100)).toEqual([])
      for (const [, words = ''] of text.matchAll(/^ {2}\$ postern (.*)$/gm)) {
        const env = { POSTERN_CONFIG: folder.config }
        const { code, stderr } = await runPostern(words.split(' '), undefined, env)
        expect([words, code, stderr]).toEqual([words, 0, ''])
      }
    },
    60_000,
  )

  test('names only commands that there are', async () => {
    const { stdout } = await runPostern(['--help'])
    const commands = new Set([...stdout.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name))
    for (const topic of topics) {
      const text = await topicText(topic)
      for (const [, name] of text.matchAll(/\bpostern ([a-z][\w-]*)/g)) {
        if (name === 'start' || commands.has(name)) continue
        expect(`${topic}: ${name}`).toBe('a command')
      }
    }
  })
})

test('help is about topics, about commands, and says what it is not about', async () => {
  expect((await runPostern(['help', 'files'])).stdout).toMatch(/^Files\n/)
  expect((await runPostern(['help', 'stat'])).stdout).toContain('Usage: postern stat')
  const nothing = await runPostern(['help', 'nonsense'])
  expect([nothing.code, nothing.stdout]).toEqual([2, ''])
  expect(nothing.stderr).toContain('topics: getting-started')
  expect((await runPostern(['--help'])).stdout).toMatch(/\nEvery day:\n {2}start/)
})

const bashAsks = `
eval "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_postern
printf '%s\\n' "\${COMPREPLY[@]}"
`

const bash = '/bin/bash'

describe.skipIf(!existsSync(bash))('completion in bash', () => {
  test('offers commands, those below them, and options', async () => {
    const { stdout: script } = await runPostern(['completion', 'bash'])
    const complete = async (...words: readonly string[]) => {
      const { stdout } = await runProgram(bash, ['-c', bashAsks, 'bash', script, ...words])
      return stdout.trim().split('\n')
    }
    expect(await complete('postern', 'rest')).toEqual(['restart'])
    expect(await complete('postern', 'queue', 're')).toEqual(['release', 'retry', 'resume'])
    expect(await complete('postern', 'queue', 'hold', '--dom')).toEqual(['--domain'])
    expect(await complete('postern', 'check', '--')).toEqual(
      expect.arrayContaining(['--relay', '--strict', '--json', '--config']),
    )
    expect(await complete('postern', 'log', '--outcome', 're')).toEqual(['refused'])
    expect(await complete('postern', 'log', '--outcome', 'refused', '--ent')).toEqual(['--entry'])
    expect(await complete('postern', 'completion', 'b')).toEqual(['bash'])
    expect(await complete('postern', 'help', 'exit')).toEqual(['exit-codes'])
    expect(await complete('postern', 'help', 'resta')).toEqual(['restart'])
    // What may be anything is left to the shell, which offers files.
    expect(await complete('postern', 'replay', '--config', '')).toEqual([''])
  }, 60_000)
})

test.each(['zsh', 'fish'])('completion in %s names every command', async (shell) => {
  const { stdout, code } = await runPostern(['completion', shell])
  expect(code).toBe(0)
  for (const word of ['stat', 'relay', 'fsck', 'remove', 'strict']) expect(stdout).toContain(word)
})

test('completion for a shell that is none is wrong usage', async () => {
  expect((await runPostern(['completion', 'tcsh'])).code).toBe(2)
})

/** Help by topics, whose examples are run, and completion, which a shell is asked about. */
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import { component, isMissing } from '../setup/components.ts'

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

/**
 * How a shell is asked for what may follow the lines of its standard input, after its script: a line of words for each.
 * `plain`: without what its user has set.
 */
const shells = [
  {
    shell: 'bash',
    program: () => '/bin/bash',
    missing: () => false,
    plain: ['--norc'],
    // As readline cuts a line into words.
    asks: `
eval "$1"
while IFS= read -r line; do
  line=\${line//=/ = }; set -f; COMP_WORDS=($line); set +f
  [[ $line == *[[:blank:]] && $line != *'= ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _postern
  echo "\${COMPREPLY[@]}"
done
`,
  },
  {
    shell: 'zsh',
    program: () => component('zsh')!.path,
    missing: () => isMissing('zsh'),
    plain: ['-f'],
    // Without a terminal, and so without compinit: what its functions are given is what would be offered.
    asks: `
compdef() { : }
eval "$1"
_files() { }
_describe() { local each; for each in "\${(@P)2}"; do reply+=("\${\${each%%:*}//\\\\/}"); done }
compadd() { shift; reply+=("$@") }
compset() { PREFIX=\${PREFIX#*=} }
while IFS= read -r line; do
  words=("\${(@s: :)line}"); CURRENT=$#words; PREFIX=\${words[-1]}; reply=()
  _postern
  echo \${(M)reply:#\${PREFIX}*}
done
`,
  },
  {
    shell: 'fish',
    program: () => component('fish')!.path,
    missing: () => isMissing('fish'),
    plain: ['--no-config'],
    asks: `
echo $argv[1] | source
while read -l line
  set -l found
  for each in (complete -C "$line" | string split -f1 \\t)
    set -a found (string replace -r '^--.*=' '' -- $each)
  end
  echo $found
end
`,
  },
] as const

describe.each(shells)('completion in $shell', ({ shell, program, missing, plain, asks }) => {
  test.skipIf(missing())(
    'offers commands, those below them, options and their values',
    async () => {
      const { stdout: script } = await runPostern(['completion', shell])
      const offered: readonly (readonly [line: string, words: readonly string[]])[] = [
        ['postern rest', ['restart']],
        ['postern queue re', ['release', 'retry', 'resume']],
        ['postern queue hold --dom', ['--domain']],
        ['postern alerts ', ['list', 'test']],
        ['postern log --outcome re', ['refused']],
        ['postern log --outcome=re', ['refused']],
        ['postern log --outcome refused --ent', ['--entry']],
        ['postern dkim new -t ', ['rsa', 'ed25519']],
        ['postern completion b', ['bash']],
        ['postern help exit', ['exit-codes']],
        ['postern help resta', ['restart']],
        // What may be anything is left to the shell, which offers files.
        ['postern replay --config ', []],
        ['postern replay-dialogue ', []],
      ]
      const args = [...plain, '-c', asks, ...(shell === 'fish' ? [] : [shell]), script]
      const input = offered.map(([line]) => `${line}\n`).join('')
      // Where there are no files.
      const cwd = await mkdtemp(join(tmpdir(), 'postern-completion-'))
      const { stdout } = await runProgram(program(), args, { input, cwd })
      await rmdir(cwd)
      const lines = stdout.split('\n').slice(0, -1)
      const words = lines.map((line) => line.split(' ').filter((each) => each !== ''))
      expect(words.map((each) => each.toSorted())).toEqual(
        offered.map(([, each]) => each.toSorted()),
      )
    },
    60_000,
  )
})

test('completion for a shell that is none is wrong usage', async () => {
  expect((await runPostern(['completion', 'tcsh'])).code).toBe(2)
})

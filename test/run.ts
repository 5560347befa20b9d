/**
 * `npm test`: the programs of others that tests need, then the tests, and beside them types, lint and format, one after the
 * other: tests wait much of their time. Every part runs even when another failed. The last line counts what passed and
 * failed, a failed check among the failures; the exit code is 0 only when nothing failed.
 * `npm test -- src/queue` runs the tests of one folder.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { startVitest, type Reporter } from 'vitest/node'
import { installComponents } from './setup/install.ts'
import { leftOver, temporaryFolders } from './setup/left-over.ts'

type Check = readonly [name: string, program: string, parameters: readonly string[]]

/** Tests look at them: they are there before. */
const build: Check = ['the pages, built', 'vite', ['build', 'src/admin/ui', '--logLevel', 'warn']]

/** The tests keep every processor busy: here the least work counts, not the shortest time. Several threads take two thirds more. */
const types = ['--noEmit', '--singleThreaded']
/** Programs in Go collect garbage less often: a fifth of their work. */
const sparing = { GOGC: '400' }

const checks: readonly Check[] = [
  ['types', 'tsc', types],
  ['types of the pages', 'tsc', [...types, '-p', 'src/admin/ui']],
  ['types of their tests', 'tsc', [...types, '-p', 'test/pages']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['format', 'oxfmt', ['--check']],
]

interface Tally {
  readonly passed: number
  readonly skipped: number
  readonly failed: number
  readonly skippedTests: readonly string[]
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

async function runTests(filters: string[]): Promise<Tally> {
  let tally: Tally | undefined
  const counter: Reporter = {
    onTestRunEnd(modules, unhandledErrors) {
      const tests = modules.flatMap((module) => [...module.children.allTests()])
      const inState = (state: string) => tests.filter((test) => test.result().state === state)
      const broken = modules.filter((module) => module.errors().length > 0)
      const skipped = inState('skipped')
      tally = {
        passed: inState('passed').length,
        skipped: skipped.length,
        failed: inState('failed').length + broken.length + unhandledErrors.length,
        skippedTests: skipped.map((test) => `${test.module.relativeModuleId}: ${test.fullName}`),
      }
    },
  }
  const vitest = await startVitest('test', filters, {
    watch: false,
    reporters: ['default', counter],
  })
  await vitest.close()
  return tally ?? { passed: 0, skipped: 0, failed: 1, skippedTests: [] }
}

function runBuild([name, program, parameters]: Check): readonly string[] {
  return spawnSync(program, parameters, { stdio: 'inherit' }).status === 0 ? [] : [name]
}

/** What a check says comes in one piece: the tests print meanwhile. @returns the names of those that failed */
async function runChecks(): Promise<readonly string[]> {
  const failed: string[] = []
  for (const [name, program, parameters] of checks) {
    const child = spawn(program, parameters, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...sparing },
    })
    const output: Buffer[] = []
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => void output.push(chunk))
    const [code] = await once(child, 'close').catch((error: unknown) => [String(error)])
    if (code === 0) continue
    failed.push(name)
    say(
      `${name}: ${program} ${parameters.join(' ')} (${code})\n${Buffer.concat(output).toString()}`,
    )
  }
  return failed
}

// Gateways of tests compile plugins in folders that are gone a second later, and Node forgets none of it.
rmSync(new URL('../node_modules/.cache/compile', import.meta.url), { recursive: true, force: true })

const missing = installComponents()
const failures = [...runBuild(build)]
if (missing.length > 0 && process.env['CI'] === 'true') failures.push('components')

const folders = temporaryFolders()
const checking = runChecks()
const tests = await runTests(process.argv.slice(2))
failures.push(...(await checking))
const failed = failures.length + tests.failed

for (const what of leftOver(folders)) say(`left over: ${what}`)
for (const test of tests.skippedTests) say(`skipped: ${test}`)
if (missing.length > 0) say(`Missing, tests that need them were skipped: ${missing.join(', ')}`)
if (failures.length > 0) say(`Checks that failed, see above: ${failures.join(', ')}`)
say(
  `${tests.passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`,
)
process.exit(failed === 0 ? 0 : 1)

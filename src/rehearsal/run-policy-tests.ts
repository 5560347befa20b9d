/** The policy tests of a configuration folder, each in a world of its own. Nothing of the gateway is touched. */
import { basename, dirname, join, resolve } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { readPolicyTests, type PolicyTest } from '../config/policy-tests.ts'
import { configurationResources } from '../config/resources.ts'
import { buildGeneration } from '../filter/build-generation.ts'
import { loadEntries } from '../filter/load-entries.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { examinedAccounts } from '../tools/examined-accounts.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { configuredDns } from '../tools/configured-dns.ts'
import { generationRequest } from '../tools/load-chain.ts'
import { silentLog } from '../tools/silent-log.ts'
import { readFolder } from '../tools/read-offline.ts'
import { trustedLoader } from '../tools/trusted-loader.ts'
import { judgeTest, type Difference } from './judge-test.ts'
import { playTest, type PlayRequest } from './play-test.ts'

export interface TestedPolicy {
  readonly test: string
  readonly file: string
  readonly line: number
  /** Empty: it is so. */
  readonly differences: readonly Difference[]
  readonly durationMs: number
}

export interface PolicyTestRun {
  /** In the configuration, or in the tests themselves: then none was run. */
  readonly mistakes: readonly Mistake[]
  readonly results: readonly TestedPolicy[]
}

export interface PolicyTestQuestion {
  /** The configuration folder, as it is shown. */
  readonly folder: string
  /** Paths; absent: those of the configuration. */
  readonly files?: readonly string[]
  /** Called before each test with how many are over, of how many. */
  readonly progress?: (done: number, all: number) => void
}

export async function runPolicyTests(question: PolicyTestQuestion): Promise<PolicyTestRun> {
  const { configuration, mistakes } = readFolder(question.folder)
  if (configuration === undefined || mistakes.length > 0) return { mistakes, results: [] }
  return testConfiguration(configuration, question)
}

/** @param configuration without mistakes */
export async function testConfiguration(
  configuration: Configuration,
  { folder, files = [], progress }: PolicyTestQuestion,
): Promise<PolicyTestRun> {
  const paths =
    files.length > 0 ? files : await usualFiles(configuration.policyTests.folder, folder)
  const read = await Promise.all(paths.map(readTests))
  const mistakes = read.flatMap((each) => each.mistakes)
  const tests = read.flatMap((each) => each.tests)
  if (mistakes.length > 0 || tests.length === 0) return { mistakes, results: [] }
  return runAll(configuration, { folder, tests, progress })
}

interface ReadTest {
  readonly test: PolicyTest
  readonly message: Uint8Array | undefined
}

/** In the order of their names, shown as the operator named the folder. */
async function usualFiles(folder: string, configured: string): Promise<readonly string[]> {
  try {
    const names = await systemDisk.list(folder)
    const shown = folder.startsWith(`${resolve(configured)}/`)
      ? join(configured, folder.slice(resolve(configured).length + 1))
      : folder
    return names
      .filter((name) => name.endsWith('.yaml'))
      .toSorted()
      .map((name) => join(shown, name))
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return []
    throw error
  }
}

async function readTests(
  path: string,
): Promise<{ readonly tests: readonly ReadTest[]; readonly mistakes: readonly Mistake[] }> {
  const bytes = await fileOrMistake(path, { file: path })
  if ('mistake' in bytes) return { tests: [], mistakes: [bytes.mistake] }
  const { tests, mistakes } = readPolicyTests(path, new TextDecoder().decode(bytes.bytes))
  const found = [...mistakes]
  const read = await Promise.all(
    tests.map(async (test): Promise<ReadTest> => {
      const { message, message_file: file, line } = test
      if (file === undefined) {
        return { test, message: message === undefined ? undefined : Buffer.from(message) }
      }
      const kept = await fileOrMistake(join(dirname(path), file), { file: path, line })
      if ('bytes' in kept) return { test, message: kept.bytes }
      found.push(kept.mistake)
      return { test, message: undefined }
    }),
  )
  return { tests: read, mistakes: found }
}

async function fileOrMistake(
  path: string,
  at: { readonly file: string; readonly line?: number },
): Promise<{ readonly bytes: Uint8Array } | { readonly mistake: Mistake }> {
  try {
    return { bytes: await systemDisk.readFile(resolve(path)) }
  } catch (error) {
    const why = isPosternError(error, 'NOT_FOUND') ? 'there is no such file' : String(error)
    const problem = `${basename(path)} cannot be read: ${why}`
    return { mistake: { ...at, problem, remedy: 'name a file that is there' } }
  }
}

interface AllTests {
  readonly folder: string
  readonly tests: readonly ReadTest[]
  readonly progress: PolicyTestQuestion['progress']
}

async function runAll(
  configuration: Configuration,
  { folder, tests, progress }: AllTests,
): Promise<PolicyTestRun> {
  const resources = configurationResources(resolve(folder), { disk: systemDisk, log: silentLog })
  const accounts = examinedAccounts(configuration)
  const loader = trustedLoader(configuration)
  const dns = configuredDns(configuration.dns)
  try {
    const { entries, mistakes } = await loadEntries(loader, configuration.chain)
    if (mistakes.length > 0) return { mistakes, results: [] }
    const build: PlayRequest['build'] = (change, doors) => {
      const request = generationRequest(change(entries), { configuration, doors, resources })
      const built = buildGeneration(request)
      if (built.ok) return built.generation
      throw new CannotBuild(built.mistakes)
    }
    const results: TestedPolicy[] = []
    for (const { test, message } of tests) {
      progress?.(results.length, tests.length)
      const request = { test, message, configuration, real: { accounts, dns }, build }
      // oxlint-disable-next-line no-await-in-loop -- one after the other: they share the processor
      results.push(await runOne(request))
    }
    return { mistakes: [], results }
  } catch (error) {
    if (!(error instanceof CannotBuild)) throw error
    return { mistakes: error.mistakes, results: [] }
  } finally {
    await accounts.close()
    resources.close()
    loader.close()
  }
}

class CannotBuild extends Error {
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    super('the chain has mistakes')
    this.mistakes = mistakes
  }
}

async function runOne(request: PlayRequest): Promise<TestedPolicy> {
  const { test } = request
  const startedMs = systemClock.monotonicMs()
  const differences = judgeTest(test, await playTest(request))
  const durationMs = Math.round(systemClock.monotonicMs() - startedMs)
  return { test: test.test, file: test.file, line: test.line, differences, durationMs }
}

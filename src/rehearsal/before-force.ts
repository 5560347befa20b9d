/** What policy tests say of a configuration that is about to be put in force. */
import type { Configuration } from '../config/configuration.ts'
import { formatMistake } from '../config/format-mistake.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import type { Prepared } from '../tools/prepare.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { checkConfiguration } from '../tools/check-configuration.ts'
import type { PolicyTestRun } from './run-policy-tests.ts'

export interface TestsBeforeForce {
  /** Reasons to keep what is in force. */
  readonly mistakes: readonly Mistake[]
  readonly doubts: readonly Mistake[]
}

/** As `policy_tests.on_reload` says; where it says `off`, none is run. */
async function testsBeforeForce(
  folder: string,
  configuration: Configuration,
): Promise<TestsBeforeForce> {
  const { onReload } = configuration.policyTests
  if (onReload === 'off') return { mistakes: [], doubts: [] }
  // Half of the house is needed for it: a gateway without tests starts sooner.
  const { testConfiguration } = await import('./run-policy-tests.ts')
  const found = mistakesOf(await testConfiguration(configuration, { folder }))
  return onReload === 'refuse' ? { mistakes: found, doubts: [] } : { mistakes: [], doubts: found }
}

export function mistakesOf({ mistakes, results }: PolicyTestRun): readonly Mistake[] {
  const failed = results.flatMap(({ test, file, differences }) =>
    differences.map(({ line, problem }): Mistake => {
      return { file, line, problem: `${test}: ${problem}`, remedy: 'mend the policy, or the test' }
    }),
  )
  return [...mistakes, ...failed]
}

export interface Judged extends TestsBeforeForce {
  /** What was judged. Missing where it cannot be read. */
  readonly configuration?: Configuration
}

/**
 * What is wrong with it, its own tests included.
 * @param read what it is read by
 */
export async function judge(folder: string, read: Pick<Disk, 'readFileNow'>): Promise<Judged> {
  const { configuration, mistakes, doubts } = await checkConfiguration(folder, systemDisk, read)
  if (configuration === undefined || mistakes.length > 0) return { mistakes, doubts }
  const tested = await testsBeforeForce(folder, configuration)
  return { configuration, mistakes: tested.mistakes, doubts: [...doubts, ...tested.doubts] }
}

/** A configuration that its own tests refuse is closed again. @returns what they say against it */
export async function refusedByTests(
  folder: string,
  { configuration, generation, resources }: Prepared,
  log: Log,
): Promise<readonly Mistake[]> {
  const { mistakes, doubts } = await testsBeforeForce(folder, configuration)
  if (doubts.length > 0) log.warn('config.tests-failed', { tests: doubts.map(formatMistake) })
  if (mistakes.length === 0) return mistakes
  await generation.retire()
  resources.close()
  return mistakes
}

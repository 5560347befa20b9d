/** What policy tests say of a configuration that is about to be put in force. */
import type { Configuration } from '../config/configuration.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { testConfiguration, type PolicyTestRun } from './run-policy-tests.ts'

export interface TestsBeforeForce {
  /** Reasons to keep what is in force. */
  readonly mistakes: readonly Mistake[]
  readonly doubts: readonly Mistake[]
}

/** As `policy_tests.on_reload` says; where it says `off`, none is run. */
export async function testsBeforeForce(
  folder: string,
  configuration: Configuration,
): Promise<TestsBeforeForce> {
  const { onReload } = configuration.policyTests
  if (onReload === 'off') return { mistakes: [], doubts: [] }
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

/** `postern test [FILES…]`: policy tests, files that say which session has which verdict. */
import { Command } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { legible } from '../formats/plain-line.ts'
import { runPolicyTests, type PolicyTestRun } from '../rehearsal/run-policy-tests.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { withProgress } from './progress.ts'

export function testCommand(): Command {
  return new Command('test')
    .description('run the tests of the policy: files that say which session has which verdict')
    .argument('[files...]', 'those of config/tests where none is named')
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(async (files: string[], { config, json }: { config: string; json?: true }) => {
      const run = await withProgress('testing', (progress) =>
        runPolicyTests({ folder: config, files, progress }),
      )
      const failed = run.results.filter(({ differences }) => differences.length > 0)
      if (run.mistakes.length + failed.length > 0) process.exitCode = 1
      process.stdout.write(
        json === true ? `${JSON.stringify(run, undefined, 2)}\n` : formatted(run),
      )
    })
}

function formatted({ mistakes, results }: PolicyTestRun): string {
  const failed = results.filter(({ differences }) => differences.length > 0)
  const lines = [
    ...mistakes.map(formatMistake),
    ...failed.flatMap(({ test, file, line, differences }) => [
      `${file}:${line}: ${test}`,
      ...differences.map(({ line: at, problem }) => `  ${file}:${at}: ${problem}`),
    ]),
    mistakes.length > 0
      ? `${countOf(mistakes.length, 'mistake')}; nothing was tested`
      : `${countOf(results.length, 'test')}, ${failed.length} failed`,
  ]
  return `${lines.map((line) => legible(line)).join('\n')}\n`
}

import { Command } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { mistakesOf } from '../rehearsal/before-force.ts'
import { runPolicyTests } from '../rehearsal/run-policy-tests.ts'
import { checkConfiguration } from '../tools/check-configuration.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'

/** `postern check`: every mistake in the configuration, with file, line, key and remedy. */
export function checkCommand(): Command {
  return new Command('check')
    .description('read the configuration and say what is wrong with it')
    .option('--tests', 'run the tests of the policy too')
    .addOption(configOption())
    .action(async ({ config, tests }: { config: string; tests?: true }) => {
      const { mistakes: found, doubts, generation } = await checkConfiguration(config)
      const tested =
        tests === true && generation !== undefined
          ? mistakesOf(await runPolicyTests({ folder: config }))
          : []
      const mistakes = [...found, ...tested]
      for (const doubt of doubts) process.stderr.write(`warning: ${formatMistake(doubt)}\n`)
      for (const mistake of mistakes) process.stderr.write(`${formatMistake(mistake)}\n`)
      if (generation === undefined || mistakes.length > 0) {
        process.stderr.write(`${countOf(mistakes.length, 'mistake')}\n`)
        process.exitCode = 1
        return
      }
      const entries = countOf(generation.listing.length, 'entry', 'entries')
      process.stdout.write(`The configuration is right: ${entries} in the chain.\n`)
    })
}

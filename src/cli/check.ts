import { Command } from 'commander'
import { formatDoubt, formatMistake } from '../config/format-mistake.ts'
import { mistakesOf } from '../rehearsal/before-force.ts'
import { checkConfiguration, type CheckedConfiguration } from '../tools/check-configuration.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { formatRelayProof } from './format-relay-proof.ts'
import { writeJson } from './json.ts'
import { withProgress } from './progress.ts'

interface Options {
  readonly config: string
  readonly relay?: true
  readonly tests?: true
  readonly strict?: true
  readonly json?: true
}

/** `postern check`: every mistake in the configuration, with file, line, key and remedy, and what is hardly meant. */
export function checkCommand(): Command {
  return new Command('check')
    .description('read the configuration and say what is wrong with it')
    .option('--tests', 'run the tests of the policy too')
    .addOption(configOption())
    .option('--relay', 'for whom each entry vouches: why this is no open relay')
    .option('--strict', 'warnings are mistakes')
    .option('--json', 'as JSON')
    .action(async (options: Options) => {
      const checked = await testedToo(await checkConfiguration(options.config), options)
      const isStrict = options.strict === true && checked.doubts.length > 0
      if (!isRight(checked) || isStrict) process.exitCode = 1
      if (options.json === true) return writeChecked(checked)
      say(checked, options)
    })
}

/** With what the tests of the policy say, where they are asked for and there is a chain to try. */
async function testedToo(
  checked: CheckedConfiguration,
  { config, tests }: Options,
): Promise<CheckedConfiguration> {
  if (tests !== true || checked.generation === undefined) return checked
  const { runPolicyTests } = await import('../rehearsal/run-policy-tests.ts')
  const run = await withProgress('testing', (progress) =>
    runPolicyTests({ folder: config, progress }),
  )
  const failed = mistakesOf(run)
  return { ...checked, mistakes: [...checked.mistakes, ...failed] }
}

function isRight({ generation, mistakes }: CheckedConfiguration): boolean {
  return generation !== undefined && mistakes.length === 0
}

function say(
  { mistakes, doubts, silenced, generation, relay }: CheckedConfiguration,
  options: Options,
): void {
  for (const doubt of doubts) process.stderr.write(`warning: ${formatDoubt(doubt)}\n`)
  for (const mistake of mistakes) process.stderr.write(`${formatMistake(mistake)}\n`)
  if (options.relay === true && relay !== undefined) process.stdout.write(formatRelayProof(relay))
  if (generation === undefined || mistakes.length > 0) {
    process.stderr.write(`${countOf(mistakes.length, 'mistake')}\n`)
    return
  }
  if (options.strict === true && doubts.length > 0) {
    process.stderr.write(`${countOf(doubts.length, 'warning')}\n`)
    return
  }
  const entries = countOf(generation.listing.length, 'entry', 'entries')
  const quiet = silenced.length === 0 ? '' : `, ${countOf(silenced.length, 'warning')} silenced`
  process.stdout.write(`The configuration is right: ${entries} in the chain${quiet}.\n`)
}

function writeChecked({
  mistakes,
  doubts,
  silenced,
  generation,
  relay,
}: CheckedConfiguration): void {
  writeJson({
    ok: generation !== undefined && mistakes.length === 0,
    mistakes,
    warnings: doubts,
    silenced,
    entries: generation?.listing,
    relay,
  })
}

/** `postern shadow`: what entries in shadow mode would have done; `postern shadow promote ENTRY` puts one in force. */
import { Command, Option } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { becomeAccountOf } from '../tools/privileges/as-account.ts'
import { shadowReport, type ShadowAnswer } from '../tools/shadow-report.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { countArgument, durationArgument } from './duration-argument.ts'
import { jsonOption } from './json.ts'
import { withProgress } from './progress.ts'
import { change } from './switch.ts'

interface ReportOptions {
  readonly config: string
  readonly since: number
  readonly examples: number
  readonly json?: true
}

interface PromoteOptions {
  readonly config: string
  readonly dryRun?: true
  readonly untried?: true
  readonly json?: true
}

export function shadowCommand(): Command {
  return new Command('shadow')
    .description('what entries in shadow mode would have done, and put one of them in force')
    .addCommand(reportCommand(), { isDefault: true })
    .addCommand(promoteCommand())
}

function reportCommand(): Command {
  return new Command('report')
    .description(
      'what they would have done; of each reason how often, and what became of that mail',
    )
    .addOption(
      new Option('--since <time>', 'look back so far')
        .argParser(durationArgument)
        .default(86_400_000, '24h'),
    )
    .addOption(
      new Option('--examples <count>', 'transactions named for each reason')
        .argParser(countArgument)
        .default(3),
    )
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(async ({ config, since, examples, json }: ReportOptions) => {
      await becomeAccountOf(config)
      const answer = await withProgress('transactions read', (progress) =>
        shadowReport(config, { sinceMs: since, examples, progress }),
      )
      process.stdout.write(
        json === true ? `${JSON.stringify(answer, undefined, 2)}\n` : formatted(answer),
      )
    })
}

function promoteCommand(): Command {
  return new Command('promote')
    .description('put an entry in force that was a shadow, after trying whether it could work')
    .argument('<entry>', 'its name in the chain')
    .option('--dry-run', 'only show what would be changed')
    .option('--untried', 'without trying it')
    .addOption(jsonOption())
    .addOption(configOption())
    .action((name: string, { config, dryRun, untried, json }: PromoteOptions) => {
      const request = {
        name,
        mode: 'enforce',
        from: 'shadow',
        ...(dryRun === undefined ? {} : { dryRun }),
        ...(untried === undefined ? {} : { untried }),
      } as const
      return change(config, request, json)
    })
}

function formatted({ since, transactions, entries }: ShadowAnswer): string {
  const seen = countOf(transactions, 'transaction')
  const lines = [
    `${seen} since ${new Date(since).toISOString().slice(0, 16)}Z`,
    ...(entries.length === 0 ? ['no entry of the chain is a shadow'] : []),
    ...entries.flatMap(({ entry, plugin, asked, objected, reasons }) => [
      '',
      `${entry}${plugin === entry ? '' : ` (${plugin})`}: asked ${asked}, would have acted ${objected}`,
      ...reasons.flatMap(({ would, reason, count, accepted, refused, givenUp, examples }) => [
        `  ${would.padEnd(10)} ${reason.padEnd(24)} ${String(count).padStart(7)}   ` +
          `${accepted} accepted, ${refused} refused, ${givenUp} given up`,
        ...(examples.length === 0 ? [] : [`  ${' '.repeat(10)} for example ${examples.join(' ')}`]),
      ]),
    ]),
  ]
  return `${lines.map(legible).join('\n')}\n`
}

import { fileURLToPath } from 'node:url'
import { join, relative } from 'node:path'
import { styleText } from 'node:util'
import { Command, InvalidArgumentError } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import type { ImportFact, ImportOutcome } from '../tools/import-qmail/findings.ts'
import { planQmailImport } from '../tools/import-qmail/plan.ts'
import { writeImport } from '../tools/import-qmail/write-import.ts'
import { countOf } from './count.ts'
import { countedReads } from './counted-reads.ts'
import { withProgress } from './progress.ts'

interface Options {
  readonly run: readonly string[]
  readonly to: string
  readonly shiftPorts: number
  readonly followLinks?: true
  readonly force?: true
  readonly dryRun?: true
  readonly json?: true
}

/** `postern import /var/qmail`: an installed qmail as a configuration folder, and a report of all that was found. */
export function importCommand(): Command {
  return new Command('import')
    .description('make a configuration of an installed qmail, which is only read')
    .argument('<tree>', 'its folder, such as /var/qmail; a copy below another root will do')
    .option('--run <script>', 'a run script beside those in /service and supervise/', gather, [])
    .option('--to <dir>', 'the new configuration folder', 'imported')
    .option(
      '--shift-ports <number>',
      'added to each port, to try it beside the qmail',
      portShift,
      0,
    )
    .option('--follow-links', 'read on this host what links lead to that the tree does not have')
    .option('--force', 'write over what is in the new folder')
    .option('--dry-run', 'only report')
    .option('--json', 'the report as JSON')
    .action(run)
}

/** Plugins come with us. */
export const shippedPlugins = fileURLToPath(new URL('../../plugins', import.meta.url))

export function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

/** @throws InvalidArgumentError */
export function portShift(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0 && number <= 64_000) return number
  throw new InvalidArgumentError('It is a number from 0 to 64000.')
}

async function run(tree: string, options: Options): Promise<void> {
  const { to, shiftPorts, force, dryRun, json } = options
  if ((await systemDisk.list(join(tree, 'control')).catch(() => undefined)) === undefined) {
    throw new Error(`there is no folder control in ${tree}`)
  }
  const planned = await withProgress('files read', (told) =>
    planQmailImport({
      disk: countedReads(systemDisk, told),
      tree,
      scripts: options.run,
      shiftPorts,
      pluginFolder: shippedPlugins,
      state: '../var',
      inPlace: false,
      followOutside: options.followLinks === true,
    }),
  )
  if (dryRun !== true) {
    await withProgress('users taken over', (told) =>
      writeImport(systemDisk, planned, { folder: to, force: force === true, tree, told }),
    )
  }
  if (json === true) {
    const written = dryRun === true ? null : to
    process.stdout.write(`${JSON.stringify({ written, facts: planned.facts }, null, 2)}\n`)
    return
  }
  process.stdout.write(report(planned.facts))
  const check = `postern check --config ${relative('.', to) || to}`
  if (dryRun !== true) process.stdout.write(`\nWritten to ${to}; now: ${check}\n`)
}

const headings: readonly (readonly [ImportOutcome, string, 'red' | 'yellow' | 'cyan' | 'green'])[] =
  [
    ['dangerous', 'Dangerous', 'red'],
    ['unsupported', 'Not supported', 'yellow'],
    ['difference', 'Mapped with a difference', 'cyan'],
    ['mapped', 'Mapped', 'green'],
  ]

/** What needs a person first. */
function report(facts: readonly ImportFact[]): string {
  const parts = headings.flatMap(([outcome, title, colour]) => {
    const those = facts.filter((fact) => fact.outcome === outcome)
    if (those.length === 0) return []
    const heading = styleText(colour, `${title}: ${countOf(those.length, 'fact')}`, {
      stream: process.stdout,
    })
    return [[heading, ...those.map(factLine)].join('\n')]
  })
  return `${parts.join('\n\n')}\n`
}

function factLine({ what, source, to, remark }: ImportFact): string {
  const goes = to === undefined ? '' : ` -> ${legible(to)}`
  const more = remark === undefined ? '' : `\n      ${legible(remark)}`
  return `  ${legible(what)}${goes}\n      ${legible(source)}${more}`
}

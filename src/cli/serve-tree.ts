import { Command } from 'commander'
import { runDaemon } from '../main.ts'
import { legible } from '../formats/plain-line.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { planQmailImport } from '../tools/import-qmail/plan.ts'
import { prepareInPlace } from '../tools/import-qmail/serve-in-place.ts'
import { countedReads } from './counted-reads.ts'
import { gather, portShift, shippedPlugins } from './import.ts'
import { withProgress } from './progress.ts'

interface Options {
  readonly run: readonly string[]
  readonly state: string
  readonly shiftPorts: number
  readonly prepare?: true
}

/** `postern serve-tree /var/qmail`: a gateway by the files of an installed qmail, where they lie. */
export function serveTreeCommand(): Command {
  return new Command('serve-tree')
    .description('run on an installed qmail in place: its files are followed, and never written')
    .argument('<tree>', 'its folder, such as /var/qmail')
    .requiredOption('--state <dir>', 'where spool, store and the configuration made of it go')
    .option('--run <script>', 'a run script beside those in /service and supervise/', gather, [])
    .option('--shift-ports <number>', 'added to each port, to run beside the qmail', portShift, 0)
    .option('--prepare', 'only make the configuration: for postern check --config STATE/config')
    .action(run)
}

async function run(
  tree: string,
  { run: scripts, state, shiftPorts, prepare }: Options,
): Promise<void> {
  const planned = await withProgress('files read', (told) =>
    planQmailImport({
      disk: countedReads(systemDisk, told),
      tree,
      scripts,
      shiftPorts,
      pluginFolder: shippedPlugins,
      state: '..',
      inPlace: true,
    }),
  )
  for (const { outcome, what, source, remark } of planned.facts) {
    if (outcome !== 'dangerous' && outcome !== 'unsupported') continue
    process.stderr.write(`${outcome}: ${legible(`${source}: ${what}: ${remark ?? ''}`)}\n`)
  }
  const config = await prepareInPlace(systemDisk, planned, { tree, state })
  if (prepare === true) process.stdout.write(`${config}\n`)
  else process.exitCode = await runDaemon(config)
}

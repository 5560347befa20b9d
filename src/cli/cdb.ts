import { Command } from 'commander'
import { compiledFiles, rebuild, stateOf } from '../tools/compiled-files.ts'
import { readOffline } from '../tools/read-offline.ts'
import { configOption } from './config-option.ts'
import { writeJson } from './json.ts'

/** `postern cdb`: as `qmailctl cdb`, and for the other files that are compiled, too. */
export function cdbCommand(): Command {
  return new Command('cdb')
    .description('rebuild tcp.smtp.cdb, morercpthosts.cdb and users/cdb from their texts')
    .addOption(configOption())
    .option('-n, --dry-run', 'only say what is stale')
    .option('--json', 'as JSON')
    .action(({ config, dryRun, json }: Options) => {
      const files = compiledFiles(readOffline(config)).map((file) => {
        const state = stateOf(file)
        const made = dryRun !== true && state !== 'broken' && rebuild(file)
        return { text: file.text, cdb: file.cdb, state, made }
      })
      const broken = files.filter(({ state }) => state === 'broken')
      if (json === true) writeJson(files)
      else {
        for (const { cdb, state, made } of files) {
          if (state === 'broken') continue
          process.stdout.write(`${cdb}: ${made ? `made (it was ${state})` : state}\n`)
        }
        for (const { text } of broken) {
          process.stderr.write(`${text}: has mistakes, see postern check; its cdb stays\n`)
        }
      }
      if (broken.length > 0) process.exitCode = 1
    })
}

interface Options {
  readonly config: string
  readonly dryRun?: true
  readonly json?: true
}

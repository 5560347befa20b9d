import { Command } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { chainListing } from '../tools/chain-listing.ts'
import { configOption } from './config-option.ts'
import { jsonOption, writeJson, type JsonOptions } from './json.ts'

/** `postern chain`: what runs when, in order. */
export function chainCommand(): Command {
  return new Command('chain')
    .description('show which entry is asked at which stage, in order')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async ({ config, json }: JsonOptions & { config: string }) => {
      const { mistakes, stages } = await chainListing(config)
      if (mistakes.length > 0) process.exitCode = 1
      if (json === true) return writeJson({ mistakes, stages })
      for (const mistake of mistakes) process.stderr.write(`${formatMistake(mistake)}\n`)
      for (const { stage, entries } of stages) {
        process.stdout.write(`${stage}\n`)
        for (const { name, remarks } of entries) {
          process.stdout.write(`  ${[name.padEnd(20), ...remarks].join('  ').trimEnd()}\n`)
        }
      }
    })
}

/** `postern greylist list | allow | forget | import`: who is known; a running gateway hears of it within a minute. */
import { Command, InvalidArgumentError } from 'commander'
import { legible } from '../formats/plain-line.ts'
import {
  allowClient,
  clientNamed,
  forgetClient,
  greyEntries,
  importFolder,
  letIn,
  withGreylist,
} from '../tools/greylist.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { withProgress } from './progress.ts'
import { jsonLinesOption, jsonOption, writeJson, writeJsonLine, type JsonOptions } from './json.ts'

interface Options extends JsonOptions {
  readonly config: string
}

const clientArgument = 'an address, a network, or the domain of senders that SPF vouches for'

export function greylistCommand(): Command {
  return new Command('greylist')
    .description('show and change whom greylisting knows')
    .addCommand(showCommand())
    .addCommand(allowCommand())
    .addCommand(forgetCommand())
    .addCommand(importCommand())
}

function showCommand(): Command {
  return new Command('list')
    .description('key, first visit, last visit, times let pass')
    .argument('[client]', clientArgument, nameOf)
    .option('--limit <count>', 'at most so many', '1000')
    .addOption(jsonLinesOption())
    .addOption(configOption())
    .action(async (client: string | undefined, options: Options & { limit: string }) => {
      const { config, limit, json } = options
      await withGreylist(config, async (tables) => {
        let left = Number(limit)
        for await (const { key, firstAt, lastAt, passes } of greyEntries(tables, client ?? '')) {
          if (left-- <= 0) return
          const allowed = passes >= letIn
          if (json === true) {
            writeJsonLine({ key, firstAt, lastAt, allowed, ...(allowed ? {} : { passes }) })
            continue
          }
          const times = `${new Date(firstAt).toISOString()}  ${new Date(lastAt).toISOString()}`
          const count = allowed ? 'allowed' : String(passes)
          process.stdout.write(`${legible(key)}  ${times}  ${count}\n`)
        }
      })
    })
}

function allowCommand(): Command {
  return new Command('allow')
    .description('never ask a client to come back')
    .argument('<client>', clientArgument, nameOf)
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (client: string, { config, json }: Options) => {
      await withGreylist(config, (tables) => allowClient(tables, client))
      if (json === true) return writeJson({ client, allowed: true })
      process.stdout.write(`${client} is allowed\n`)
    })
}

function forgetCommand(): Command {
  return new Command('forget')
    .description('forget a client and all that was known by it')
    .argument('<client>', clientArgument, nameOf)
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (client: string, { config, json }: Options) => {
      const gone = await withGreylist(config, (tables) => forgetClient(tables, client))
      if (gone === 0) process.exitCode = 1
      if (json === true) return writeJson({ client, forgotten: gone })
      process.stdout.write(`${client}: ${countOf(gone, 'entry', 'entries')} forgotten\n`)
    })
}

function importCommand(): Command {
  return new Command('import')
    .description('take over what a folder of jgreylist knows')
    .argument('<folder>', 'JGREYLIST_DIR')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (folder: string, { config, json }: Options) => {
      const { taken, left } = await withProgress('taking over', (told) =>
        withGreylist(config, (tables) => importFolder(tables, folder, told)),
      )
      if (json === true) return writeJson({ taken, left })
      process.stdout.write(`${countOf(taken, 'entry', 'entries')} taken, ${left} left out\n`)
    })
}

function nameOf(text: string): string {
  const client = clientNamed(text)
  if (client === undefined) {
    throw new InvalidArgumentError('Write an address, a network or a domain.')
  }
  return client
}

import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import type { JsonValue } from '../mail/json.ts'
import { readSearch, type WrittenSearch } from '../tools/quarantine-search.ts'
import { steerQuarantine, type QuarantineRequest } from '../tools/steer-quarantine.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { formatDetails, formatHeld, heldHeading } from './format-held.ts'

interface Options extends Omit<WrittenSearch, 'ids'> {
  readonly config: string
  readonly json?: true
  readonly limit?: string
  readonly all?: boolean
  readonly everybody?: boolean
  readonly copyTo?: string
}

/** `postern quarantine list | show | release | delete | learn`: what the chain holds for a person to judge. */
export function quarantineCommand(): Command {
  const quarantine = new Command('quarantine').description('look at held mail, and let it go')
  withSearch(quarantine.command('list', { isDefault: true }).description('newest first'))
    .option('--limit <number>', 'so many lines at most', '100')
    .action(list)
  quarantine
    .command('show <id>')
    .description('one message: why it is held, on what evidence, and its header')
    .option('--json', 'one JSON object')
    .addOption(configOption())
    .action(show)
  withTargets(quarantine.command('release'))
    .description('let messages go on to their recipients')
    .option('--everybody', 'for every recipient for whom the same message is held')
    .option('--copy-to <address>', 'send a copy there instead; the message stays held')
    .action(release)
  withTargets(quarantine.command('delete'))
    .description('delete messages, and tell nobody')
    .option('--everybody', 'for every recipient for whom the same message is held')
    .action(remove)
  for (const as of ['ham', 'spam'] as const) {
    withTargets(quarantine.command(`learn-${as}`))
      .description(`teach the scanners of the chain that this is ${as}`)
      .action((ids: string[], options: Options) => learn(as, ids, options))
  }
  return quarantine
}

function withSearch(command: Command): Command {
  return command
    .option('--from <path>', 'from this reverse-path: an address, @domain, or <>')
    .option('--to <address>', 'held for this recipient: an address or @domain')
    .option('--subject <text>', 'with this in the subject')
    .option('--reason <text>', 'held for a reason that begins so')
    .option('--entry <name>', 'held by this entry of the chain')
    .option('--older-than <age>', 'received longer ago, such as 90m or 2d')
    .option('--newer-than <age>', 'received since, such as 10m')
    .option('--json', 'as JSON')
    .addOption(configOption())
}

function withTargets(command: Command): Command {
  return withSearch(command.argument('[ids...]', 'of messages, or of transactions')).option(
    '--all',
    'everything that is held',
  )
}

async function list({ config, json, limit, ...written }: Options): Promise<void> {
  const most = Number(limit)
  if (!Number.isInteger(most) || most < 1) throw new Error(`${limit} is not a number of lines`)
  const search = readSearch({ ids: [], ...written })
  const { held } = await steerQuarantine(config, { what: 'find', search, limit: most })
  const shown = held.slice(0, most)
  if (json === true) return write(shown)
  process.stdout.write(`${heldHeading}\n`)
  for (const each of shown) process.stdout.write(`${formatHeld(each)}\n`)
  process.stdout.write(`${countOf(shown.length, 'message')} held\n`)
}

async function show(id: string, { config, json }: Options): Promise<void> {
  const { details } = await steerQuarantine(config, { what: 'show', id })
  if (details === undefined) {
    process.stderr.write(`There is no message ${legible(id)} in quarantine.\n`)
    process.exitCode = 1
  } else if (json === true) write({ ...details })
  else process.stdout.write(formatDetails(details))
}

async function release(ids: string[], options: Options): Promise<void> {
  const { copyTo, everybody = false } = options
  const search = targets(ids, options)
  if (copyTo === undefined) {
    await change({ what: 'release', search, everybody }, options, 'released')
  } else await change({ what: 'copy', search, to: copyTo }, options, 'copied')
}

async function remove(ids: string[], options: Options): Promise<void> {
  const search = targets(ids, options)
  const { everybody = false } = options
  await change({ what: 'remove', search, everybody }, options, 'deleted')
}

async function change(
  request: QuarantineRequest,
  { config, json }: Options,
  done: string,
): Promise<void> {
  const { count, held } = await steerQuarantine(config, request)
  if (count === 0) process.exitCode = 1
  if (json === true) write(held)
  else process.stdout.write(`${countOf(count, 'message')} ${done}\n`)
}

async function learn(as: 'ham' | 'spam', ids: string[], options: Options): Promise<void> {
  const search = targets(ids, options)
  const answer = await steerQuarantine(options.config, { what: 'learn', search, as })
  const learned = answer.learned ?? []
  if (options.json === true) write(learned)
  for (const { id, entry, problem } of learned) {
    if (problem === undefined) continue
    process.stderr.write(`${id}: ${entry} did not learn it: ${legible(problem)}\n`)
  }
  const failed = learned.filter(({ problem }) => problem !== undefined).length
  if (failed > 0 || learned.length === 0) process.exitCode = 1
  if (options.json === true) return
  process.stdout.write(`${countOf(answer.count, 'message')} learned as ${as}\n`)
}

function targets(
  ids: readonly string[],
  { all, ...written }: Options,
): ReturnType<typeof readSearch> {
  const search = readSearch({ ...written, ids })
  if (all !== true && Object.keys(search).length === 0) {
    throw new Error('say which messages, or --all')
  }
  return search
}

function write(value: JsonValue | object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

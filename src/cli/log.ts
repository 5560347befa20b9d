import { Command, InvalidArgumentError, Option } from 'commander'
import {
  followTraces,
  isClientNetwork,
  listTraces,
  readTraceQuery,
  type WrittenQuery,
} from '../tools/list-traces.ts'
import type { TraceSummary } from '../trace/trace-summary.ts'
import { configOption } from './config-option.ts'
import { positiveArgument, whenArgument } from './duration-argument.ts'
import { logLine } from './log-line.ts'

interface Options extends WrittenQuery {
  readonly config: string
  readonly json?: true
  readonly follow?: true
}

/** Of what became of it, as it is searched for. */
const outcomes = ['accepted', 'refused', 'deferred', 'quarantined', 'discarded', 'abandoned']

/** `postern log`: one line for each transaction, the newest last. */
export function logCommand(): Command {
  return new Command('log')
    .description('list what happened to mail, one line for each transaction, the newest last')
    .option('--from <address>', 'the reverse-path: an address, a domain, or <>')
    .option('--to <address>', 'a recipient: an address or a domain')
    .option('--address <address>', 'either of them')
    .option(
      '--client <address>',
      'a client or a network: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32',
      clientArgument,
    )
    .option('--hello <name>', 'what the client called itself')
    .option('--user <name>', 'who had logged in')
    .option('--message-id <id>', 'with or without its angle brackets')
    .option('--reason <reason>', 'of an entry: GREYLISTED')
    .option('--entry <name>', 'the entry that refused, held or discarded it')
    .addOption(new Option('--outcome <outcome>', 'what became of it').choices(outcomes))
    .option('--score <least>', 'with this score or more', number)
    .option(
      '--since <when>',
      'an age such as 2h, or a date (UTC) such as 2026-11-21T08:00',
      whenArgument,
    )
    .option('--until <when>', 'likewise', whenArgument)
    .option('--text <text>', 'anywhere in what was recorded; slow over a long time')
    .option('-n, --limit <count>', 'so many at most', positiveArgument, 50)
    .option('-f, --follow', 'go on with what comes, until it is interrupted')
    .option('--json', 'one JSON object for each line')
    .addOption(configOption())
    .action(run)
}

async function run({ config, json, follow, ...written }: Options): Promise<void> {
  const query = readTraceQuery(written)
  const show = (items: readonly TraceSummary[]): void => {
    for (const item of items) {
      process.stdout.write(`${json === true ? JSON.stringify(item) : logLine(item)}\n`)
    }
  }
  if (follow !== true) {
    const { items, more } = await listTraces(config, query)
    show(items)
    if (items.length === 0) {
      process.exitCode = 1
      if (json !== true) process.stderr.write('Nothing that is recorded fits.\n')
    }
    if (more) process.stderr.write('There are older ones: --limit, --until.\n')
    return
  }
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  process.once('SIGTERM', () => interrupted.abort())
  // Whoever reads us has gone.
  process.stdout.once('error', () => interrupted.abort())
  for await (const items of followTraces(config, query, interrupted.signal)) show(items)
}

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value))
    throw new InvalidArgumentError('write a number')
  return value
}

function clientArgument(text: string): string {
  if (isClientNetwork(text)) return text
  throw new InvalidArgumentError('Write an address or a network, such as 192.0.2.0/24.')
}

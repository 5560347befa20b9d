import { Command, InvalidArgumentError } from 'commander'
import type { Instant } from '../mail/instant.ts'
import { legible } from '../formats/plain-line.ts'
import { findStories, type FoundStories } from '../tools/find-stories.ts'
import { configOption } from './config-option.ts'
import { whenArgument } from './duration-argument.ts'
import { writeJson } from './json.ts'
import { formatTrace } from './format-trace.ts'
import { logLine, when } from './log-line.ts'

interface Options {
  readonly config: string
  readonly json?: true
  readonly all?: true
  readonly limit: number
  readonly since?: Instant
}

/** Stories that are told whole where several were found. */
const usuallyWhole = 3

/** `postern why WHAT`: the whole story of a message or a refusal, by whatever somebody has in hand of it. */
export function whyCommand(): Command {
  return new Command('why')
    .description('tell the whole story of a message or of a refusal')
    .argument(
      '<what>',
      'a queue, transaction or session id, a Message-ID, an address, a domain, a login, a client (192.0.2.1, 192.0.2.0/24), or last',
      something,
    )
    .option('--all', `tell every story whole, not only the newest ${usuallyWhole}`)
    .option('-n, --limit <count>', 'so many at most', count, 20)
    .option('--since <when>', 'an age such as 2h, or a date (UTC) such as 2026-11-21', whenArgument)
    .option('--json', 'everything that was recorded, as JSON')
    .addOption(configOption())
    .action(run)
}

async function run(which: string, { config, json, all, limit, since }: Options): Promise<void> {
  const found = await findStories(config, {
    which,
    limit,
    whole: all === true ? limit : Math.min(usuallyWhole, limit),
    ...(since === undefined ? {} : { since }),
  })
  if (found.stories.length === 0) process.exitCode = 1
  if (json === true) writeJson(found)
  else if (found.stories.length === 0) process.stderr.write(`${nothing(which, found)}\n`)
  else process.stdout.write(format(found))
}

function format({ stories, others, more }: FoundStories): string {
  const told = stories.map((story) => formatTrace(story, story)).join('\n')
  const lines = others.map((other) => `${logLine(other)}\n`).join('')
  return [
    told,
    lines === '' ? '' : `\nalso:\n${lines}`,
    more ? '\nThere are older ones: --limit, --since, or postern log.\n' : '',
  ].join('')
}

function something(text: string): string {
  const which = text.trim()
  if (which !== '') return which
  throw new InvalidArgumentError('Write what is in hand of it, or last for what came last.')
}

/** What it means that there is nothing. */
function nothing(which: string, { extent }: FoundStories): string {
  const name = legible(which)
  if (extent?.oldestAt === undefined) {
    const queued = which === 'last' ? '' : `, and nothing is queued as ${name}`
    return `Nothing is recorded${queued}; postern send sends a test message.`
  }
  return (
    `Nothing is recorded under ${name}, and nothing is queued by that name. The traces reach back to ` +
    `${when(extent.oldestAt)} UTC: what is older ` +
    'has been forgotten (traces: keep, max_age, max_size). Connections beyond the limits of a listener leave a ' +
    'line in the log only; under overload, traces of accepted mail are dropped first.'
  )
}

function count(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 1000) {
    throw new InvalidArgumentError('write a number from 1 to 1000')
  }
  return value
}

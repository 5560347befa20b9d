import { Command } from 'commander'
import { formatMailbox, formatPath } from '../mail/address.ts'
import { legible } from '../formats/plain-line.ts'
import type { Entry } from '../queue/queue.ts'
import { queuedMessages, withQueued } from '../tools/read-spool.ts'
import { isSelected, readSelection } from '../tools/queue-selection.ts'
import { configOption } from './config-option.ts'
import { jsonLinesOption, jsonOption, writeJson, writeJsonLine, type JsonOptions } from './json.ts'
import { damagedCommand } from './queue-damaged.ts'
import { fsckCommand } from './queue-fsck.ts'
import { actionCommands } from './queue-actions.ts'
import { notQueued } from './not-queued.ts'
import { withSelection, type SelectionOptions } from './selection-options.ts'

interface Options extends JsonOptions {
  readonly config: string
}

/** `postern queue list | show ID | cat ID | fsck | damaged`: what is promised and not yet done. Reads beside a running gateway. The rest steers it. */
export function queueCommand(): Command {
  const queue = new Command('queue').description('look at queued messages, and steer them')
  withSelection(queue.command('list', { isDefault: true }))
    .description('one line for each recipient that is still waiting')
    .addOption(jsonLinesOption())
    .addOption(configOption())
    .action(list)
  queue
    .command('show <id>')
    .description('one message: its envelope, and where each recipient stands')
    .addOption(jsonOption())
    .addOption(configOption())
    .action(show)
  queue
    .command('cat <id>')
    .description('the bytes of one message, as they will be delivered')
    .addOption(configOption())
    .action(cat)
  queue.addCommand(fsckCommand())
  queue.addCommand(damagedCommand())
  for (const action of actionCommands()) queue.addCommand(action)
  return queue
}

async function list({ config, json, ...written }: Options & SelectionOptions): Promise<void> {
  const selection = readSelection({ ids: [], ...written })
  const isFiltered = Object.keys(selection).length > 0
  let messages = 0
  let damaged = 0
  if (json !== true) process.stdout.write(heading)
  for await (const entry of queuedMessages(config)) {
    if ('damaged' in entry) {
      if (isFiltered || entry.unproven === true) continue
      damaged += 1
      const { path, reason } = entry
      if (json === true) writeJsonLine({ damaged: { path, reason } })
      else process.stdout.write(`damaged: ${legible(path)}: ${legible(reason)}\n`)
      continue
    }
    if (!isSelected(entry, selection)) continue
    messages += 1
    if (json === true) writeJsonLine(factsOf(entry))
    else for (const line of waiting(entry)) process.stdout.write(`${line}\n`)
  }
  if (json === true) return
  process.stdout.write(`${messages} queued${damaged > 0 ? `, ${damaged} damaged` : ''}\n`)
}

const heading = 'id            received              size  tries  from → to\n'

/** A message as programs read it; instants in milliseconds. */
function factsOf({ id, receivedAt, dueAt, sizeBytes, tries, held, reason, ...entry }: Entry) {
  const { envelope, recipients } = entry
  return {
    id,
    receivedAt,
    dueAt,
    sizeBytes,
    tries,
    held,
    ...(reason === undefined ? {} : { reason }),
    reversePath: formatPath(envelope.reversePath),
    recipients: envelope.recipients.map(({ mailbox }, index) => ({
      address: formatMailbox(mailbox),
      ...(recipients[index] ?? { state: 'pending' }),
    })),
  }
}

function waiting(entry: Entry): string[] {
  const from = legible(formatPath(entry.envelope.reversePath))
  const head = [
    entry.id.padEnd(12),
    time(entry.receivedAt),
    String(entry.sizeBytes).padStart(8),
    String(entry.tries).padStart(6),
  ].join('  ')
  return entry.envelope.recipients.flatMap(({ mailbox }, index) => {
    const state = entry.recipients[index]
    if (state === undefined || state.state === 'delivered' || state.state === 'failed') return []
    const remark = entry.held
      ? ' (held)'
      : state.state === 'deferred'
        ? ` (${inOneLine(state.text)})`
        : ''
    return [`${head}  ${from} → ${legible(formatPath(mailbox))}${remark}`]
  })
}

/** What a next hop said in several lines. */
function inOneLine(text: string): string {
  return legible(text.replaceAll('\n', ' '))
}

async function show(id: string, { config, json }: Options): Promise<void> {
  const found = await withQueued(config, id, (entry) => Promise.resolve(entry))
  if (found === undefined) return missing(id)
  if (json === true) return writeJson(factsOf(found))
  process.stdout.write(described(found))
}

function described(entry: Entry): string {
  const lines = [
    `id         ${entry.id}`,
    `received   ${time(entry.receivedAt)}`,
    `size       ${entry.sizeBytes} bytes`,
    `from       ${legible(formatPath(entry.envelope.reversePath))}`,
    `next try   ${entry.held ? `held${entry.reason === undefined ? '' : `: ${legible(entry.reason)}`}` : time(entry.dueAt)}`,
    ...entry.envelope.recipients.map(({ mailbox }, index) => {
      const state = entry.recipients[index]
      const text =
        state === undefined || state.state === 'pending' ? '' : `  ${inOneLine(state.text)}`
      return `to         ${legible(formatPath(mailbox))}  ${state?.state ?? 'pending'}${text}`
    }),
  ]
  return `${lines.join('\n')}\n`
}

async function cat(id: string, { config }: Options): Promise<void> {
  const found = await withQueued(config, id, async ({ message }) => {
    for await (const chunk of message.read()) {
      if (!process.stdout.write(chunk)) {
        await new Promise<void>((resolve) => process.stdout.once('drain', resolve))
      }
    }
    return true
  })
  if (found === undefined) missing(id)
}

function missing(id: string): void {
  process.stderr.write(notQueued(id))
  process.exitCode = 1
}

function time(instant: number): string {
  return new Date(instant).toISOString().slice(0, 19).replace('T', ' ')
}

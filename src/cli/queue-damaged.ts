import { Command } from 'commander'
import { formatPath } from '../mail/address.ts'
import { legible } from '../formats/plain-line.ts'
import { damagedInQueue, type DamagedFile, type DamagedMessage } from '../tools/read-spool.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { jsonLinesOption, writeJsonLine, type JsonOptions } from './json.ts'

interface Options extends JsonOptions {
  readonly config: string
}

/** `postern queue damaged`: what was set aside, and what it was. It deletes nothing: that is the operator's. */
export function damagedCommand(): Command {
  return new Command('damaged')
    .description('what was set aside because its checksum does not hold, and what it was')
    .addOption(jsonLinesOption())
    .addOption(configOption())
    .action(damaged)
}

async function damaged({ config, json }: Options): Promise<void> {
  let files = 0
  for await (const file of damagedInQueue(config)) {
    files += 1
    if (json === true) writeJsonLine(factsOf(file))
    else process.stdout.write(`${describe(file).join('\n')}\n`)
  }
  if (json === true) return
  process.stdout.write(files === 0 ? 'nothing is damaged\n' : `${countOf(files, 'file')}\n`)
}

function factsOf({ messages, ...file }: DamagedFile) {
  return {
    ...file,
    messages: messages.map(({ id, receivedAt, envelope, certain }) => ({
      id,
      receivedAt,
      certain,
      reversePath: formatPath(envelope.reversePath),
      recipients: envelope.recipients.map(({ mailbox }) => formatPath(mailbox)),
    })),
  }
}

function describe(file: DamagedFile): string[] {
  const { path, reason, unproven, sizeBytes, setAsideAt, messages } = file
  const hardly = unproven ? '; it was being written, and was hardly promised' : ''
  return [
    legible(path),
    `  why   ${legible(reason)}${hardly}`,
    `  when  ${time(setAsideAt)}, ${sizeBytes} bytes`,
    ...(messages.length === 0 ? ['  what  nothing tells'] : messages.map(what)),
  ]
}

function what({ id, receivedAt, envelope, certain }: DamagedMessage): string {
  const from = legible(formatPath(envelope.reversePath))
  const to = envelope.recipients.map(({ mailbox }) => legible(formatPath(mailbox))).join(', ')
  const doubt = certain ? '' : ' (by what is legible)'
  return `  what  ${id} of ${time(receivedAt)}: ${from} → ${to}${doubt}`
}

function time(instant: number): string {
  const date = new Date(instant)
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString().slice(0, 19).replace('T', ' ')
}

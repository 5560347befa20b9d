import { Command } from 'commander'
import { continuationVariable } from '../formats/continuation-token.ts'
import { printable } from '../mail/reply.ts'
import { handToQueue, qmailQueueInput } from '../tools/qmail-queue.ts'
import { configOption } from './config-option.ts'

interface Options {
  readonly config: string
}

/**
 * `postern qmail-queue`: message on descriptor 0, envelope on descriptor 1, an exit code for an answer, as every program
 * that hands mail to qmail expects. Works whether the gateway runs or not.
 */
export function qmailQueueCommand(): Command {
  return new Command('qmail-queue')
    .description('hand a message to the queue: message on descriptor 0, envelope on 1')
    .addOption(configOption())
    .action(qmailQueue)
}

async function qmailQueue({ config }: Options): Promise<void> {
  const handed = await handToQueue({
    config,
    ...qmailQueueInput(),
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    continuation: process.env[continuationVariable],
  })
  if (handed.problem !== undefined) {
    process.stderr.write(`qmail-queue: ${printable(handed.problem)}\n`)
  }
  // What was not read to its end would keep the process.
  process.exit(handed.exit)
}

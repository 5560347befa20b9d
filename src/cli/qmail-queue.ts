import { Command } from 'commander'
import { continuationVariable } from '../formats/continuation-token.ts'
import { qmailQueueExit } from '../formats/qmail-queue-protocol.ts'
import { demandsTlsBy, requireTlsVariable } from '../formats/require-tls-variable.ts'
import { errorMessage } from '../mail/errors.ts'
import { legible } from '../formats/plain-line.ts'
import { handToQueue, qmailQueueInput, type Handed } from '../tools/qmail-queue.ts'
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
  const uid = process.getuid?.() ?? 0
  const handed =
    (await unlessRoot(config)) ??
    (await handToQueue({
      config,
      ...qmailQueueInput(),
      pid: process.pid,
      uid,
      continuation: process.env[continuationVariable],
      requireTls: demandsTlsBy(process.env[requireTlsVariable]),
    }))
  if (handed.problem !== undefined) {
    process.stderr.write(`qmail-queue: ${legible(handed.problem)}\n`)
  }
  // What was not read to its end would keep the process.
  process.exit(handed.exit)
}

/** As qmail-queue, which is setuid: root writes nothing into a spool that is another's. @returns why it cannot be handed over */
async function unlessRoot(config: string): Promise<Handed | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const { becomeAccountThatIsThere } = await import('../tools/privileges/as-account.ts')
  try {
    await becomeAccountThatIsThere(config)
    return undefined
  } catch (error) {
    const problem = errorMessage(error)
    return { exit: qmailQueueExit.noConfiguration, problem }
  }
}

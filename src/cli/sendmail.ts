import { Command } from 'commander'
import { illegalOption } from '../formats/getopt.ts'
import { parseSendmailOptions } from '../formats/inject/inject-options.ts'
import { lfLines } from '../formats/lf-lines.ts'
import { readDescriptor } from '../runtime/node/descriptor.ts'
import { defaultConfig } from './config-option.ts'
import { runInject } from './run-inject.ts'

const usage =
  'sendmail: usage: sendmail [ -t ] [ -fsender ] [ -Fname ] [ -bp ] [ -bs ] [ arg ... ]\n'

/** `postern sendmail`: what programs expect to find as /usr/sbin/sendmail. */
export function sendmailCommand(): Command {
  return new Command('sendmail')
    .description('queue a message from standard input, as programs call /usr/sbin/sendmail')
    .usage('[-t] [-fsender] [-Fname] [-bm|-bp|-bs] [recipient ...]')
    .helpOption('--help', 'show this')
    .allowUnknownOption()
    .argument('[recipient...]')
    .action(sendmail)
}

async function sendmail(): Promise<void> {
  const variables = new Map(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  )
  const call = parseSendmailOptions(process.argv.slice(3), variables)
  if ('illegal' in call) {
    process.stderr.write(illegalOption('sendmail', call.illegal) + usage)
    process.exitCode = 100
    return
  }
  switch (call.mode) {
    case 'inject':
      // As PHP's mail() writes it: qmail-inject would take the CR LF that ends the header for text.
      return runInject(call.options, Object.fromEntries(call.variables), lfLines(readDescriptor(0)))
    case 'smtp': {
      const { runSmtpd } = await import('./run-smtpd.ts')
      return process.exit(await runSmtpd(await smtpdSocket()))
    }
    case 'queue': {
      // As it is typed: what root types works as the gateway's account.
      const { queueCommand } = await import('./queue.ts')
      const { becomeAccount } = await import('./become-account.ts')
      await queueCommand().hook('preAction', becomeAccount).parseAsync(['list'], { from: 'user' })
      return undefined
    }
    case 'usage':
      process.stderr.write(usage)
      process.exitCode = 100
      return undefined
  }
}

/** Of the listener that believes what it is handed: as it is told, else as the configuration has it. */
async function smtpdSocket(): Promise<string> {
  const { defaultSmtpdSocket, smtpdSocketVariable } = await import('./run-smtpd.ts')
  const told = process.env[smtpdSocketVariable]
  if (told !== undefined) return told
  const { readOffline } = await import('../tools/read-offline.ts')
  const { isPosternError } = await import('../mail/errors.ts')
  try {
    const { listeners } = readOffline(process.env['POSTERN_CONFIG'] ?? defaultConfig())
    const address = listeners.find(({ handOver }) => handOver)?.address
    return address !== undefined && 'path' in address ? address.path : defaultSmtpdSocket()
  } catch (error) {
    // Whoever may not read the configuration may be let in at the usual place all the same.
    if (isPosternError(error)) return defaultSmtpdSocket()
    throw error
  }
}

import { Command } from 'commander'
import { parseSendmailOptions } from '../formats/inject/inject-options.ts'
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
    process.stderr.write(`sendmail: illegal option -- ${call.illegal}\n${usage}`)
    process.exitCode = 100
    return
  }
  switch (call.mode) {
    case 'inject':
      return runInject(call.options, Object.fromEntries(call.variables))
    case 'smtp': {
      const { defaultSmtpdSocket, runSmtpd, smtpdSocketVariable } = await import('./run-smtpd.ts')
      return process.exit(await runSmtpd(process.env[smtpdSocketVariable] ?? defaultSmtpdSocket()))
    }
    case 'queue': {
      const { queueCommand } = await import('./queue.ts')
      await queueCommand().parseAsync(['list'], { from: 'user' })
      return undefined
    }
    case 'usage':
      process.stderr.write(usage)
      process.exitCode = 100
      return undefined
  }
}

import { Command, Option } from 'commander'
import { defaultSmtpdSocket, runSmtpd, smtpdSocketVariable } from './run-smtpd.ts'

/** `postern smtpd` in the list of commands; bin/postern calls the program behind it without loading the others. */
export function smtpdCommand(): Command {
  return new Command('smtpd')
    .description('pass a client of tcpserver or inetd on to the running gateway')
    .addOption(
      new Option('-s, --socket <path>', 'of the listener with hand_over: true')
        .env(smtpdSocketVariable)
        .default(defaultSmtpdSocket(), 'var/smtpd.sock'),
    )
    .action(async ({ socket }: { socket: string }) => {
      process.exit(await runSmtpd(socket))
    })
}

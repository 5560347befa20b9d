/** `postern`: one file per command. Exit codes: 0 done, 1 the answer is no or something is wrong, 2 wrong usage. */
import { Command, CommanderError } from 'commander'
import { chainCommand } from './chain.ts'
import { checkCommand } from './check.ts'
import { queueCommand } from './queue.ts'
import { sendCommand } from './send.ts'
import { smtpdCommand } from './smtpd.ts'
import { startCommand } from './start.ts'
import { traceCommand } from './trace.ts'

const program = new Command('postern')
  .description('A programmable mail gateway')
  .showSuggestionAfterError()
  .exitOverride()

for (const command of [
  startCommand,
  smtpdCommand,
  checkCommand,
  chainCommand,
  sendCommand,
  traceCommand,
  queueCommand,
]) {
  program.addCommand(command())
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.stderr.write(`postern: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

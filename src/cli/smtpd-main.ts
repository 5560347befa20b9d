/** The program behind `postern smtpd`, apart from the others so that it starts at once. */
import { parseArgs } from 'node:util'
import { errorMessage } from '../mail/errors.ts'
import { defaultSmtpdSocket, runSmtpd, smtpdSocketVariable } from './run-smtpd.ts'

const usage = 'usage: postern smtpd [--socket PATH]\n'

try {
  const { values } = parseArgs({
    options: { socket: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help === true) process.stdout.write(usage)
  else {
    const socket = values.socket ?? process.env[smtpdSocketVariable] ?? defaultSmtpdSocket()
    // The client's stream may still be open, and nobody will answer it any more.
    process.exit(await runSmtpd(socket))
  }
} catch (error) {
  process.stderr.write(`postern smtpd: ${errorMessage(error)}\n`)
  process.stderr.write(usage)
  process.exitCode = 2
}

/** `postern smtpd`: stands where qmail-smtpd stood, and passes its client on to the running gateway. Loads little. */
import { fileURLToPath } from 'node:url'
import { formatHandOver, variablesToHandOver } from '../formats/hand-over.ts'
import { joinStandardStreams } from '../runtime/node/standard-streams.ts'

export const smtpdSocketVariable = 'POSTERN_SMTPD_SOCKET'

/** Where the sample configuration has it. */
export function defaultSmtpdSocket(): string {
  return fileURLToPath(new URL('../../var/smtpd.sock', import.meta.url))
}

/** @returns the exit code: 0, or 1 where no gateway runs; the client is told then */
export async function runSmtpd(socket: string): Promise<number> {
  const preamble = formatHandOver(variablesToHandOver(process.env))
  if (preamble !== undefined && (await joinStandardStreams(socket, preamble))) return 0
  process.stdout.write('421 4.3.2 Service not available, come back later\r\n')
  const why =
    preamble === undefined ? 'the environment is too large' : `nobody listens on ${socket}`
  process.stderr.write(`postern smtpd: ${why}\n`)
  return 1
}

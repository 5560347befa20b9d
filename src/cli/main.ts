/**
 * `postern`: one file per command. Exit codes: 0 done, 1 the answer is no or something is wrong, 2 wrong usage;
 * help/exit-codes.txt has the others.
 */
import { CommanderError } from 'commander'
import { errorMessage } from '../mail/errors.ts'
import { listOfVerbs, programWith, wholeProgram } from './program.ts'

const [, , first = ''] = process.argv

// Whoever reads the first lines only has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

try {
  if (first === '--manual' || first === '--version') await printAbout(first)
  else await run()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else await tell(error)
}

async function tell(error: unknown): Promise<void> {
  const { forbiddenBy, whoMay } = await import('../tools/who-may-ask.ts')
  const forbidden = forbiddenBy(error, process.argv.slice(2))
  if (forbidden === undefined) {
    process.stderr.write(`postern: ${await wordsOf(error)}\n`)
    process.exitCode = 1
    return
  }
  const { exitForbidden } = await import('./running-gateway.ts')
  process.stderr.write(await whoMay(forbidden))
  process.exitCode = exitForbidden
}

/** What is wrong says a mistake itself, wherever it stands: in a file, or on the command line. */
async function wordsOf(error: unknown): Promise<string> {
  const { isPosternError } = await import('../mail/errors.ts')
  if (isPosternError(error, 'CONFIG_INVALID') && error.detail !== undefined) return error.detail
  return errorMessage(error)
}

/** Only the verb that is asked for is loaded. */
async function run(): Promise<void> {
  const program = (await programWith(first)) ?? listOfVerbs()
  await program.parseAsync()
}

async function printAbout(what: '--manual' | '--version'): Promise<void> {
  const { manualPage, ownVersion } = await import('./manual.ts')
  const version = ownVersion()
  const text = what === '--version' ? version : manualPage(await wholeProgram(), version).trimEnd()
  process.stdout.write(`${text}\n`)
}

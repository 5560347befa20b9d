/** bouncesaying, except and condredirect: what becomes of a message is asked of another program. */
import { errorWords } from '../../formats/error-words.ts'
import { readable, latin1Bytes, utf8Octets } from '../../formats/octets.ts'
import { chunksOf } from './chunks.ts'
import type { ForegroundInput } from '../../runtime/foreground.ts'
import { mailOn, variable, wholeInput, type Surroundings } from './surroundings.ts'
import { fatal, usage, type ToolEnd } from './tool-end.ts'

/** `bouncesaying text [program …]`: fails for good with this text, if the program says yes or there is none. */
export async function bouncesaying(call: Surroundings): Promise<ToolEnd> {
  const name = 'bouncesaying'
  const [text, ...command] = call.args
  if (text === undefined) return usage(name, 'bouncesaying error [ program [ arg ... ] ]')
  const answer = await ask(name, command, call, 'ours')
  if (typeof answer !== 'number') return answer
  return answer === 0 ? { exit: 100, out: '', err: `${utf8Octets(text)}\n` } : silent(0)
}

/** `except program …`: fails for good where the program succeeds. */
export async function except(call: Surroundings): Promise<ToolEnd> {
  if (call.args.length === 0) return usage('except', 'except program [ arg ... ]')
  const answer = await ask('except', call.args, call, 'ours')
  if (typeof answer !== 'number') return answer
  return silent(answer === 0 ? 100 : 0)
}

/** `condredirect address program …`: if the program says yes, the message goes there, and nowhere else. */
export async function condredirect(call: Surroundings): Promise<ToolEnd> {
  const name = 'condredirect'
  const [address, ...command] = call.args
  if (address === undefined || command.length === 0) {
    return usage(name, 'condredirect newaddress program [ arg ... ]')
  }
  const message = await wholeInput(call)
  const answer = await ask(name, command, call, { file: chunksOf(message) })
  if (typeof answer !== 'number') return answer
  if (answer !== 0) return silent(0)
  const sender = variable(call, 'SENDER')
  if (sender === undefined) return fatal(name, 100, 'SENDER not set')
  const line = variable(call, 'DTLINE')
  if (line === undefined) return fatal(name, 100, 'DTLINE not set')
  const sent = await mailOn(name, call, {
    sender,
    recipients: [utf8Octets(address)],
    line,
    message,
  })
  return 'queued' in sent ? { exit: 99, out: '', err: `${name}: qp ${sent.queued}\n` } : sent
}

function silent(exit: number): ToolEnd {
  return { exit, out: '', err: '' }
}

/** @returns its exit code (0, which is yes, where there is none to ask), or our end where nobody knows */
async function ask(
  name: string,
  [program, ...args]: readonly string[],
  { foreground }: Surroundings,
  input: ForegroundInput,
): Promise<number | ToolEnd> {
  if (program === undefined) return 0
  const end = await foreground.run([program, ...args], input)
  if ('signal' in end) return fatal(name, 111, 'child crashed')
  const exit = 'errno' in end ? exitWithoutStart(end.errno) : end.exit
  return exit === 111 ? fatal(name, 111, 'temporary child error') : exit
}

/** What keeps a program from starting now, and not for good. */
const temporary = new Set([
  'EAGAIN',
  'EBUSY',
  'EDEADLK',
  'EFBIG',
  'EINTR',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOSPC',
  'ETIMEDOUT',
  'ETXTBSY',
])

export function exitWithoutStart(errno: string): 100 | 111 {
  return temporary.has(errno) ? 111 : 100
}

/** What is said of a program that cannot be started. */
export function unableToRun(program: string, errno: string): string {
  return `unable to run ${utf8Octets(program)}: ${errorWords(errno)}`
}

/** An argument as other programs get it. */
export function asArgument(octets: string): string {
  return readable(latin1Bytes(octets))
}

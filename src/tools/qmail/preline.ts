/** preline, predate and datemail: another program reads the message, with something on top of it. */
import { getopt, illegalOption } from '../../formats/getopt.ts'
import { latin1Bytes } from '../../formats/octets.ts'
import type { Instant } from '../../mail/instant.ts'
import { exitWithoutStart, unableToRun } from './conditions.ts'
import { variable, type Surroundings } from './surroundings.ts'
import { fatal, usage, type ToolEnd } from './tool-end.ts'

/** The lines that a delivery puts on top, by the letters that leave them out. */
const lines = [
  { letter: 'f', name: 'UFLINE' },
  { letter: 'r', name: 'RPLINE' },
  { letter: 'd', name: 'DTLINE' },
] as const

/** `preline [-frd] program …`: for programs that know mbox, and qmail not. */
export async function preline(call: Surroundings): Promise<ToolEnd> {
  const wrong = usage('preline', 'preline cmd [ arg ... ]')
  const values = new Map(lines.map(({ letter, name }) => [letter, variable(call, name)]))
  if ([...values.values()].includes(undefined)) return wrong
  const { options, rest, illegal } = getopt(call.args, 'frdFRD')
  if (illegal !== undefined) return { ...wrong, err: illegalOption('preline', illegal) + wrong.err }
  const [program, ...args] = rest
  if (program === undefined) return wrong
  const left = new Set<string>()
  for (const { letter } of options) {
    if (letter === letter.toLowerCase()) left.add(letter)
    else left.delete(letter.toLowerCase())
  }
  const top = lines.map(({ letter }) => (left.has(letter) ? '' : values.get(letter))).join('')
  return feed('preline', { command: [program, ...args], top }, call)
}

/** `predate program …`: with a Date field in local time. */
export async function predate(call: Surroundings): Promise<ToolEnd> {
  const [program, ...args] = call.args
  if (program === undefined) return usage('predate', 'predate child')
  return feed('predate', { command: [program, ...args], top: localDate(call.now()) }, call)
}

/** `datemail argument …`: sendmail, with a Date field in local time. */
export async function datemail(call: Surroundings): Promise<ToolEnd> {
  const command = [call.postern, 'sendmail', ...call.args] as const
  return feed('predate', { command, top: localDate(call.now()) }, call)
}

interface Feeding {
  readonly command: readonly [program: string, ...args: string[]]
  readonly top: string
}

async function feed(
  name: 'preline' | 'predate',
  { command, top }: Feeding,
  { foreground, input }: Surroundings,
): Promise<ToolEnd> {
  const end = await foreground.run(command, withTop(top, input()))
  if ('signal' in end) return fatal(name, 111, 'child crashed')
  if ('exit' in end) return { exit: end.exit, out: '', err: '' }
  const exit = name === 'predate' ? 111 : exitWithoutStart(end.errno)
  return fatal(name, exit, unableToRun(command[0], end.errno))
}

async function* withTop(
  top: string,
  message: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield latin1Bytes(top)
  yield* message
}

/** `Date: 21 Nov 2026 09:26:35 +0100`, with a line end. */
function localDate(now: Instant): string {
  const date = new Date(now)
  const two = (value: number): string => String(value).padStart(2, '0')
  const month = date.toDateString().slice(4, 7)
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  const east = -date.getTimezoneOffset()
  const zone = Math.abs(east)
  const offset = `${east < 0 ? '-' : '+'}${two(Math.floor(zone / 60))}${two(zone % 60)}`
  return `Date: ${date.getDate()} ${month} ${date.getFullYear()} ${time} ${offset}\n`
}

/**
 * `setlock [-nNxX] file program [arg ...]`: runs a program with a lock on a file, as daemontools' setlock does: by flock(2),
 * so that both keep each other out. util-linux's flock(1) takes it, for Node can not.
 */
import { utf8Octets } from '../../formats/octets.ts'
import type { Surroundings } from './surroundings.ts'
import { done, fatal, usage, type ToolEnd } from './tool-end.ts'

/** What flock(1) is told to say where it does not get the lock: no program of ours, and hardly any other, says it. */
const notLocked = 217
/** flock(1), by sysexits.h: it cannot open the file; it cannot run the program. */
const cannotOpen = 66
const cannotRun = 69
const how = 'setlock [ -nNxX ] file program [ arg ... ]'

export async function setlock({ args, foreground }: Surroundings): Promise<ToolEnd> {
  const { flags, rest } = flagsOf(args)
  const [file, program, ...more] = rest
  if (flags === undefined || file === undefined || program === undefined) {
    return usage('setlock', how)
  }
  const waits = flags.lastIndexOf('n') <= flags.lastIndexOf('N')
  const isQuiet = flags.lastIndexOf('x') > flags.lastIndexOf('X')
  const options = ['-x', '-E', String(notLocked), ...(waits ? [] : ['-n'])]
  const end = await foreground.run(['flock', ...options, file, program, ...more], 'ours')
  const failed = (what: string): ToolEnd => (isQuiet ? done() : fatal('setlock', 111, what))
  const name = utf8Octets(file)
  if ('errno' in end) return fatal('setlock', 111, 'unable to run flock')
  if (!('exit' in end)) return { exit: 111, out: '', err: '' }
  switch (end.exit) {
    case notLocked:
      return failed(`unable to lock ${name}: temporary failure`)
    case cannotOpen:
      return failed(`unable to open ${name}`)
    case cannotRun:
      return fatal('setlock', 111, `unable to run ${utf8Octets(program)}`)
    default:
      return { exit: end.exit, out: '', err: '' }
  }
}

/** @returns flags `undefined` where one is unknown */
function flagsOf(args: readonly string[]): {
  readonly flags: string | undefined
  readonly rest: readonly string[]
} {
  const end = args.findIndex((arg) => !/^-./.test(arg) || arg === '--')
  const given = end < 0 ? args : args.slice(0, end)
  const rest = end < 0 ? [] : args.slice(args[end] === '--' ? end + 1 : end)
  const flags = given.map((arg) => arg.slice(1)).join('')
  return { flags: /^[nNxX]*$/.test(flags) ? flags : undefined, rest }
}

/** Programs that say yes to everybody: where they stand in the place of checkpassword, anybody may relay. */
import { programName } from '../../formats/run-script/shell-builtins.ts'

const yesMen = new Set(['true', 'yes', 'cat', 'echo', ':'])
const shells = new Set(['sh', 'bash', 'dash', 'ksh', 'zsh', 'ash'])

/** @param command the program and its arguments, with or without the quotes of a shell around them */
export function saysYes([program = '', ...args]: readonly string[]): boolean {
  const name = programName(program)
  if (yesMen.has(name)) return true
  if (!shells.has(name) || args[0] !== '-c') return false
  const line = args.slice(1).join(' ').replaceAll(/['"]/g, '').trim()
  return /^(?:exec +)?(?:exit(?: +0)?|true|:|(?:\/usr)?\/bin\/true) *;?$/.test(line)
}

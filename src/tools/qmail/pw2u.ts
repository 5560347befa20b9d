/** qmail-pw2u: /etc/passwd on standard input, users/assign on standard output. */
import { join } from 'node:path'
import { fileName } from '../../delivery/local/dot-qmail-file.ts'
import { getopt, illegalOption, type Getopt } from '../../formats/getopt.ts'
import { utf8Octets } from '../../formats/octets.ts'
import {
  passwdToAssign,
  type PasswdFiles,
  type PasswdOptions,
} from '../../formats/users/passwd-to-assign.ts'
import { isPosternError } from '../../mail/errors.ts'
import { unlessMissingNow } from '../../runtime/missing.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { wholeInput, type Surroundings } from './surroundings.ts'
import { fatal, type ToolEnd } from './tool-end.ts'

const program = 'qmail-pw2u'

/** @param folder that holds `users/` */
export async function pw2u(
  call: Pick<Surroundings, 'args' | 'input'>,
  folder: string,
): Promise<ToolEnd> {
  const { options: given, illegal } = getopt(call.args, '/ohHuUc:C')
  if (illegal !== undefined) return { exit: 100, out: '', err: illegalOption(program, illegal) }
  const options = pw2uOptions(given)
  let files: PasswdFiles
  try {
    files = readFiles(folder)
  } catch {
    return fatal(program, 111, 'unable to read controls')
  }
  const passwd = await wholeInput(call)
  const { text, trouble } = await passwdToAssign({ passwd, files, options, ownerOf })
  return trouble === undefined
    ? { exit: 0, out: text, err: '' }
    : { ...fatal(program, 111, trouble), out: text }
}

export function pw2uOptions(given: Getopt['options']): PasswdOptions {
  let options: PasswdOptions = {
    dash: '-',
    breakCharacter: '-',
    upperCase: false,
    missingHome: 'skip',
  }
  for (const { letter, value } of given) options = { ...options, ...changed(letter, value) }
  return options
}

function changed(letter: string, value: string): Partial<PasswdOptions> {
  switch (letter) {
    case '/':
      return { dash: '-/' }
    case 'o':
      return { missingHome: 'skip' }
    case 'h':
      return { missingHome: 'stop' }
    case 'H':
      return { missingHome: 'ignore' }
    case 'u':
      return { upperCase: true }
    case 'U':
      return { upperCase: false }
    case 'c':
      return { breakCharacter: utf8Octets(value).charAt(0) }
    default:
      return { breakCharacter: '' }
  }
}

function readFiles(folder: string): PasswdFiles {
  return {
    include: inUsers(folder, 'include'),
    exclude: inUsers(folder, 'exclude'),
    mailnames: inUsers(folder, 'mailnames'),
    subusers: inUsers(folder, 'subusers'),
    append: inUsers(folder, 'append'),
  }
}

function inUsers(folder: string, name: string): Uint8Array | undefined {
  return unlessMissingNow(() => systemDisk.readFileNow(join(folder, 'users', name)))
}

async function ownerOf(home: string): Promise<number | 'missing' | 'unknown'> {
  try {
    return (await systemDisk.stat(fileName(home))).uid
  } catch (error) {
    return isPosternError(error, 'NOT_FOUND') ? 'missing' : 'unknown'
  }
}

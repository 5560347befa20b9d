import { PosternError } from '../../mail/errors.ts'

/** Why a local delivery did not happen: what qmail-local would have said, and its exit code. */
export interface Trouble {
  /** 100: never. 111: perhaps later. */
  readonly exit: 100 | 111
  /** With its enhanced status code in brackets at the end; empty where a program has said it all. */
  readonly text: string
}

export function hard(text: string): Trouble {
  return { exit: 100, text }
}

export function soft(text: string): Trouble {
  return { exit: 111, text }
}

const words: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'file does not exist'],
  ['EACCES', 'access denied'],
  ['EPERM', 'permission denied'],
  ['EISDIR', 'is a directory'],
  ['ENOTDIR', 'not a directory'],
  ['ENOSPC', 'out of disk space'],
  ['EDQUOT', 'out of quota'],
  ['EROFS', 'read-only file system'],
  ['EINVAL', 'invalid argument'],
  ['ESPIPE', 'illegal seek'],
  ['EIO', 'input/output error'],
  ['ELOOP', 'symbolic link loop'],
  ['ENAMETOOLONG', 'file name too long'],
  ['ENXIO', 'device not configured'],
])

/** The system's reason in qmail's words. @throws what is no operational error */
export function reasonOf(error: unknown): string {
  if (!(error instanceof PosternError)) throw error
  return words.get(systemCode(error)) ?? error.message
}

/** Such a file cannot be there now, and will not be there later. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'])

export function isAbsence(error: unknown): boolean {
  return error instanceof PosternError && absent.has(systemCode(error))
}

function systemCode({ cause }: PosternError): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

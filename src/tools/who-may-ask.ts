/** Whoever may not ask a running gateway, or read its files, is told who may: as they say, by the names of this host. */
import { dirname } from 'node:path'
import { parsePasswd } from '../delivery/local/passwd.ts'
import { groupName } from '../formats/group-file.ts'
import { printable } from '../mail/reply.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Disk, FileStat } from '../runtime/disk.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { hostProcess } from '../runtime/node/process.ts'

/** Whose rights are looked at, and where. */
export interface AskerFacts {
  readonly disk: Pick<Disk, 'stat' | 'readFile'>
  readonly uid: number | undefined
}

const asWeAre: AskerFacts = { disk: systemDisk, uid: hostProcess.uid }

const groupBits = 0o070

/** What was forbidden, and what was typed, to be typed again as somebody else. */
export interface Forbidden {
  readonly what: 'ask' | 'use'
  /** A socket, of the gateway or of one of its workers, or a file; absolute. */
  readonly path: string
  readonly args: readonly string[]
}

/** @returns what an error says was forbidden to us; undefined where it is about something else */
export function forbiddenBy(error: unknown, args: readonly string[]): Forbidden | undefined {
  if (!isPosternError(error)) return undefined
  if (error.code === 'NOT_ALLOWED') return { what: 'ask', path: error.detail ?? '', args }
  const { cause } = error
  if (!(cause instanceof Error) || !('code' in cause) || !('path' in cause)) return undefined
  const isForbidden = cause.code === 'EACCES' || cause.code === 'EPERM'
  return isForbidden && typeof cause.path === 'string'
    ? { what: 'use', path: cause.path, args }
    : undefined
}

/** @returns lines for the standard error */
export async function whoMay(
  { what, path, args }: Forbidden,
  { disk, uid }: AskerFacts = asWeAre,
): Promise<string> {
  const found = await nearest(disk, path)
  const accounts = parsePasswd(await textOf(disk, '/etc/passwd'))
  const nameOf = (id: number): string =>
    [...accounts.values()].find((account) => account.uid === id)?.name ?? `uid ${id}`
  const owner = found === undefined ? 'the user that started it' : nameOf(found.uid)
  const isShared = found !== undefined && (found.mode & groupBits) !== 0
  const group = isShared
    ? (groupName(Buffer.from(await textOf(disk, '/etc/group')).toString(), found.gid) ??
      `gid ${found.gid}`)
    : undefined
  const who = uid === undefined ? 'this user' : nameOf(uid)
  const members = group === undefined ? '' : ` and members of the group ${group}`
  const again = ['postern', ...args].map(quoted).join(' ')
  const advice =
    group === undefined
      ? 'or let a group ask: control: { group: NAME } in postern.yaml, then postern restart'
      : `or as a member: usermod -aG ${group} ${who}, and log in anew`
  const does = what === 'ask' ? 'ask the gateway behind' : 'use'
  return [
    `postern: ${who} may not ${does} ${path}: ${owner}${members} may`,
    ...(found === undefined ? [] : [`  try: sudo -u ${owner} ${again}`]),
    ...(what === 'ask' ? [`  ${advice}`] : []),
  ]
    .map((line) => `${printable(line)}\n`)
    .join('')
}

/** The socket, or the first folder above it of which anything can be learned. */
async function nearest(disk: Pick<Disk, 'stat'>, path: string): Promise<FileStat | undefined> {
  try {
    return await disk.stat(path)
  } catch (error) {
    if (!isPosternError(error)) throw error
    return path === dirname(path) ? undefined : nearest(disk, dirname(path))
  }
}

async function textOf(disk: Pick<Disk, 'readFile'>, path: string): Promise<Uint8Array> {
  try {
    return await disk.readFile(path)
  } catch (error) {
    // Then there are ids in place of names.
    if (isPosternError(error)) return new Uint8Array()
    throw error
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

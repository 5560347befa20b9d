/** Files that the gateway may not read, cdbs that are stale, and mistakes in users/assign. */
import { join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { parseAssign } from '../formats/assign.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { Disk, FileStat } from '../runtime/disk.ts'
import { staleFiles, staleWords } from './compiled-files.ts'

/** Who forgot a colon on one line may have done so on all of them. */
const mostAssignDoubts = 10

/** As whom the gateway reads. */
export interface Reader {
  readonly uid: number
  readonly gid: number
}

export function staleDoubts(configuration: Configuration): readonly Mistake[] {
  const { tcpRulesPath } = configuration
  return staleFiles(configuration)
    .filter(({ cdb, text }) => cdb !== tcpRulesPath && text !== tcpRulesPath)
    .map(({ cdb, text, why }) => ({
      file: cdb,
      problem: `${staleWords[why]}, ${text}`,
      remedy: 'run postern cdb',
      code: 'stale-cdb',
    }))
}

/** Where users/assign says whose mail it is: with mistakes none of it counts. */
export function assignDoubts(
  { folder, delivery }: Configuration,
  disk: Pick<Disk, 'readFileNow'>,
): readonly Mistake[] {
  const file = join(folder, 'users/assign')
  const bytes = delivery.local === 'users' ? readNow(disk, file) : undefined
  return parseAssign(bytes)
    .mistakes.slice(0, mostAssignDoubts)
    .map(({ line, text, remedy }) => ({
      file,
      line,
      problem: `${JSON.stringify(text)} cannot stand there; while it does, nothing new in this file counts`,
      remedy,
      code: 'users-assign',
    }))
}

/** @returns undefined also for what we may not read: `unreadableDoubts` tells that of files that are the gateway's to read */
function readNow(disk: Pick<Disk, 'readFileNow'>, path: string): Uint8Array | undefined {
  try {
    return disk.readFileNow(path)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

/**
 * Files of the configuration that `reader` may not read, though they are there. It is the owner of the spool who reads:
 * `check` is often asked by somebody else.
 * @param reader where it is known who is to read
 * @param others files that only options name
 */
export async function unreadableDoubts(
  { folder, certificateFiles, tableFiles, tcpRulesPath, spool }: Configuration,
  disk: Pick<Disk, 'stat' | 'list'>,
  { reader, others = [] }: { readonly reader?: Reader; readonly others?: readonly string[] } = {},
): Promise<readonly Mistake[]> {
  const owner = reader ?? (await statOf(disk, spool.path))
  if (owner === undefined || owner.uid === 0) return []
  const control = join(folder, 'control')
  const names = await disk.list(control).catch((): readonly string[] => [])
  const paths = [
    join(folder, 'postern.yaml'),
    tcpRulesPath,
    ...names.map((name) => join(control, name)),
    ...certificateFiles,
    ...tableFiles,
    ...others,
  ]
  const doubts: Mistake[] = []
  for (const path of new Set(paths)) {
    const found = await statOf(disk, path)
    if (found === undefined || isReadableBy(found, owner)) continue
    doubts.push({
      file: path,
      problem: `may not be read by the owner of the spool (uid ${owner.uid}), who runs the gateway`,
      remedy: `chgrp ${owner.gid} and chmod g+r, or chown ${owner.uid}`,
      code: 'unreadable-file',
    })
  }
  return doubts
}

/** By the permission bits alone; other groups of the reader are not known. */
export function isReadableBy(
  { uid, gid, mode }: Pick<FileStat, 'uid' | 'gid' | 'mode'>,
  reader: Reader,
): boolean {
  if (reader.uid === 0) return true
  if (uid === reader.uid) return (mode & 0o400) !== 0
  return (mode & (gid === reader.gid ? 0o040 : 0o004)) !== 0
}

async function statOf(disk: Pick<Disk, 'stat'>, path: string): Promise<FileStat | undefined> {
  try {
    return await disk.stat(path)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

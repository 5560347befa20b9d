/** Folders that the gateway writes into: whose they are, whether they can be written and synced, and on what they lie. */
import { dirname, join } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import { errorMessage, isPosternError } from '../../mail/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk, FileStat } from '../../runtime/disk.ts'
import type { FileSystem } from '../../runtime/node/file-system.ts'
import { problem, warning, well, type Examination } from './examination.ts'

export interface FolderDoors {
  readonly disk: Disk
  readonly clock: Clock
  readonly uid: number | undefined
  readonly fileSystemOf: (path: string) => Promise<FileSystem | undefined>
}

export async function examineFolders(
  { spool, store, accounts, operator, tls, delivery }: Configuration,
  doors: FolderDoors,
): Promise<readonly Examination[]> {
  const others = [dirname(store.path), dirname(accounts.path), tls.path, operator.folder]
  if (delivery.local === 'maildirs') others.push(delivery.maildirs)
  const found = [
    await examineFolder('spool', spool.path, doors),
    ...(await examineFileSystem(spool.path, doors)),
  ]
  // Several may have one parent, in which each is tried.
  for (const path of new Set(others)) found.push(await examineFolder('folder', path, doors))
  return found
}

async function examineFolder(
  about: string,
  path: string,
  doors: FolderDoors,
): Promise<Examination> {
  const there = await statOf(path, doors.disk)
  if (there === undefined) return examineParent(about, path, doors)
  if (there.kind !== 'directory')
    return problem(about, `${path} is no folder`, `mv ${path} ${path}.old`)
  const { uid, mode } = there
  if (doors.uid !== undefined && doors.uid !== 0 && uid !== doors.uid) {
    const remedy = `run doctor as the user of the gateway, or chown -R ${doors.uid} ${path}`
    return problem(about, `${path} belongs to uid ${uid}, and we are ${doors.uid}`, remedy)
  }
  // Passing through is what whoever hands mail over needs: it shows nothing.
  if (about === 'spool' && (mode & 0o066) !== 0) {
    const octal = mode.toString(8)
    return warning(
      about,
      `${path} has mode ${octal}: others may look into mail`,
      `chmod 700 ${path}`,
    )
  }
  return (await tryWriting(about, path, doors)) ?? well(about, `${path} can be written and synced`)
}

/** It is made at the first start. */
async function examineParent(
  about: string,
  path: string,
  doors: FolderDoors,
): Promise<Examination> {
  let parent = dirname(path)
  while ((await statOf(parent, doors.disk)) === undefined && parent !== dirname(parent)) {
    parent = dirname(parent)
  }
  const failed = await tryWriting(about, parent, doors)
  return failed ?? well(about, `${path} is not there yet, and can be made`)
}

const tolerableMs = 5_000

/** With a sync of file and folder, as every message. @returns what is wrong */
async function tryWriting(
  about: string,
  folder: string,
  { disk, clock }: FolderDoors,
): Promise<Examination | undefined> {
  const path = join(folder, `.postern-doctor-${Math.trunc(clock.now())}`)
  try {
    const file = await disk.open(path, 'create')
    try {
      await file.write([Buffer.from('x')], 0)
      await file.datasync()
      await disk.syncDirectory(folder)
      const awryMs = Math.abs((await file.stat()).modifiedAt - clock.now())
      if (awryMs < tolerableMs) return undefined
      const says = `${folder}: its clock is ${Math.round(awryMs / 1_000)} seconds away from ours`
      return warning('clock', says, 'let both follow NTP')
    } finally {
      await file.close()
      await disk.remove(path)
    }
  } catch (error) {
    const why = errorMessage(error)
    return problem(
      about,
      `${folder} cannot be written and synced: ${why}`,
      `chown and chmod u+rwx ${folder}, or make room`,
    )
  }
}

const fewBytes = 1 << 30
const fewFiles = 1_000

const words = {
  network: 'a network file system: locks and syncs may not be what they promise',
  memory: 'memory: a restart of the machine loses all mail',
  overlay: 'the layer of a container: it goes with the container',
  user: 'a file system in user space: a sync may promise nothing',
} as const

async function examineFileSystem(
  path: string,
  { fileSystemOf }: FolderDoors,
): Promise<readonly Examination[]> {
  let at = path
  let found = await fileSystemOf(at)
  while (found === undefined && at !== dirname(at)) {
    at = dirname(at)
    found = await fileSystemOf(at)
  }
  if (found === undefined) return []
  const { kind, freeBytes, freeFiles } = found
  const room = `${Math.floor(freeBytes / (1 << 20))} MB are free where ${path} lies`
  const isShort = freeBytes < fewBytes || (freeFiles !== undefined && freeFiles < fewFiles)
  return [
    kind === 'disk'
      ? well('file-system', `${path} lies on a disk of this machine`)
      : warning(
          'file-system',
          `${path} lies on ${words[kind]}`,
          'move spool.path to a local disk, or mount a volume there',
        ),
    isShort ? warning('room', room, 'make room: df -h, df -i') : well('room', room),
  ]
}

async function statOf(path: string, disk: Disk): Promise<FileStat | undefined> {
  try {
    return await disk.stat(path)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

/** Reads a spool as it lies on the disk, without the lock: beside a running gateway as well as without one. */
import { checkSpool, type SpoolCheck } from '../queue/check-spool.ts'
import { damagedFiles, type DamagedFile, type DamagedMessage } from '../queue/damaged.ts'
import type { Damaged, Entry } from '../queue/queue.ts'
import { readSpool } from '../queue/read-spool.ts'
import { spoolLayout } from '../queue/spool-layout.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { readOffline } from './read-offline.ts'

export type { DamagedFile, DamagedMessage, SpoolCheck }

/** @param folder the configuration folder. @throws PosternError CONFIG_INVALID */
export async function* queuedMessages(folder: string): AsyncGenerator<Entry | Damaged> {
  const { spool } = readOffline(folder)
  yield* readSpool(systemDisk, spool.path)
}

export async function findQueued(folder: string, id: string): Promise<Entry | undefined> {
  for await (const entry of queuedMessages(folder)) {
    if (!('damaged' in entry) && entry.id === id) return entry
  }
  return undefined
}

/** Reads every promised byte. @param folder the configuration folder. @throws PosternError NOT_FOUND, SPOOL_NEWER, DISK_FAILED */
export function checkQueue(folder: string): Promise<SpoolCheck> {
  return checkSpool(systemDisk, readOffline(folder).spool.path)
}

/** What was set aside. @throws PosternError DISK_FAILED */
export function damagedInQueue(folder: string): AsyncIterable<DamagedFile> {
  const layout = spoolLayout(readOffline(folder).spool.path)
  return damagedFiles(systemDisk, layout.damaged)
}

/** Reads a spool as it lies on the disk, without the lock: beside a running gateway as well as without one. */
import type { Damaged, Entry } from '../queue/queue.ts'
import { readShards } from '../queue/read-spool.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { readOffline } from './read-offline.ts'

/** @param folder the configuration folder. @throws PosternError CONFIG_INVALID */
export async function* queuedMessages(folder: string): AsyncGenerator<Entry | Damaged> {
  const { spool } = readOffline(folder)
  yield* readShards(systemDisk, spool.path)
}

export async function findQueued(folder: string, id: string): Promise<Entry | undefined> {
  for await (const entry of queuedMessages(folder)) {
    if (!('damaged' in entry) && entry.id === id) return entry
  }
  return undefined
}

/** Reads a spool as it lies on the disk, without the lock: beside a running gateway as well as without one. */
import { checkSpool, type CheckTold, type SpoolCheck } from '../queue/check-spool.ts'
import { PosternError } from '../mail/errors.ts'
import { damagedFiles, type DamagedFile, type DamagedMessage } from '../queue/damaged.ts'
import type { Damaged, Entry } from '../queue/queue.ts'
import { readShards } from '../queue/read-spool.ts'
import { shardPath, shardsOf } from '../queue/shards.ts'
import { spoolLayout } from '../queue/spool-layout.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { readOffline } from './read-offline.ts'

export type { DamagedFile, DamagedMessage, SpoolCheck }

/** @param folder the configuration folder. @throws PosternError CONFIG_INVALID */
export async function* queuedMessages(folder: string): AsyncGenerator<Entry | Damaged> {
  const { spool } = readOffline(folder)
  yield* readShards(systemDisk, spool.path)
}

/**
 * Works with one message while it can be read: only as long as the spool is being gone through.
 * @returns undefined where there is no such message
 */
export async function withQueued<T>(
  folder: string,
  id: string,
  work: (entry: Entry) => Promise<T>,
): Promise<T | undefined> {
  for await (const entry of queuedMessages(folder)) {
    if ('damaged' in entry || entry.id !== id) continue
    // Awaited before the loop is left: that closes the files.
    const done = await work(entry)
    return done
  }
  return undefined
}

/** Reads every promised byte. @param folder the configuration folder. @throws PosternError NOT_FOUND, SPOOL_NEWER, DISK_FAILED */
export async function checkQueue(folder: string, told?: CheckTold): Promise<SpoolCheck> {
  const checks: SpoolCheck[] = []
  for (const path of await shardPaths(folder)) checks.push(await checkSpool(systemDisk, path, told))
  return checks.reduce(together)
}

/** What was set aside. @throws PosternError DISK_FAILED */
export async function* damagedInQueue(folder: string): AsyncGenerator<DamagedFile> {
  for (const path of await shardPaths(folder)) {
    yield* damagedFiles(systemDisk, spoolLayout(path).damaged)
  }
}

/** The bytes of a queued message. @throws PosternError NOT_FOUND where it is gone, maybe after some of them */
export async function* bytesOf(folder: string, id: string): AsyncGenerator<Uint8Array> {
  for await (const entry of queuedMessages(folder)) {
    if ('damaged' in entry || entry.id !== id) continue
    yield* entry.message.read()
    return
  }
  // Let go meanwhile: a file that breaks off, for its length was promised.
  throw new PosternError('NOT_FOUND', `message ${id}`)
}

/** A spool of several workers is several spools. */
async function shardPaths(folder: string): Promise<readonly string[]> {
  const { path } = readOffline(folder).spool
  const shards = await shardsOf(systemDisk, path)
  return shards.map((shard) => shardPath(path, shard))
}

function together(a: SpoolCheck, b: SpoolCheck): SpoolCheck {
  return {
    messages: a.messages + b.messages,
    held: a.held + b.held,
    messageBytes: a.messageBytes + b.messageBytes,
    segments: a.segments + b.segments,
    segmentBytes: a.segmentBytes + b.segmentBytes,
    liveBytes: a.liveBytes + b.liveBytes,
    largeFiles: a.largeFiles + b.largeFiles,
    unneeded: [...a.unneeded, ...b.unneeded],
    incoming: a.incoming + b.incoming,
    damage: [...a.damage, ...b.damage],
    setAside: a.setAside + b.setAside,
  }
}

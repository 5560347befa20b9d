import type { Disk } from '../runtime/disk.ts'
import { isPosternError } from '../mail/errors.ts'
import { BrokenRecord } from './entry-loader.ts'
import { queueId } from './queue-id.ts'
import type { Entry, QueueId } from './queue.ts'
import { openForReading, type SpoolReading } from './read-spool.ts'
import { shardPath, shardsOf } from './shards.ts'

/** What a spool held when it was opened, for who looks messages up: without its lock, and without changing a byte. */
export interface KeptMessages {
  /**
   * With all its bytes checked; readable until `close`.
   * @returns undefined where it is not there, or, beside a running gateway, not any more
   * @throws PosternError DISK_FAILED
   */
  find(id: QueueId): Promise<Entry | undefined>
  close(): Promise<void>
}

/** A spool that there is not holds nothing. @throws PosternError SPOOL_NEWER, DISK_FAILED */
export async function openKeptMessages(disk: Disk, path: string): Promise<KeptMessages> {
  const readings: SpoolReading[] = []
  const close = async (): Promise<void> => {
    await Promise.all(readings.map((reading) => reading.close()))
  }
  try {
    for (const shard of await shardsOf(disk, path)) {
      // oxlint-disable-next-line no-await-in-loop -- each is read whole: one after the other is kind to the disk
      readings.push(await openForReading(disk, shardPath(path, shard)))
    }
  } catch (error) {
    await close()
    if (isPosternError(error, 'NOT_FOUND'))
      return { find: async () => undefined, close: async () => {} }
    throw error
  }
  const places = new Map(
    readings.flatMap(({ byAge, loader }) =>
      byAge.map((entry) => [queueId(entry.number), { entry, loader }] as const),
    ),
  )
  return {
    close,
    async find(id) {
      const place = places.get(id)
      const loaded = place && (await place.loader.whole(place.entry))
      return loaded instanceof BrokenRecord ? undefined : loaded
    },
  }
}

/**
 * A spool in shards, one for each worker that writes: shard 0 is the spool itself, the others lie in `shards/` and are
 * whole spools of their own, each with its lock, its log and its recovery. No record of one speaks of another.
 */
import { isPosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'
import { mostShards } from './queue-id.ts'

/** @param path the spool's folder, without a slash at its end */
export function shardPath(path: string, shard: number): string {
  return shard === 0 ? path : `${path}/shards/${shard}`
}

/** The shards that have ever been made, in order; 0 is always one of them. @throws PosternError DISK_FAILED */
export async function shardsOf(disk: Pick<Disk, 'list'>, path: string): Promise<readonly number[]> {
  let names: readonly string[] = []
  try {
    names = await disk.list(`${path}/shards`)
  } catch (error) {
    if (!isPosternError(error, 'NOT_FOUND')) throw error
  }
  const made = names.filter((name) => /^[1-9]\d?$/.test(name)).map(Number)
  return [0, ...made.filter((shard) => shard < mostShards).toSorted((a, b) => a - b)]
}

/**
 * Who works on which shards: worker n, counted from 0, receives into shard n; a shard without a worker, because there
 * were more of them once, goes to one that there is.
 * @returns for each worker its shards, its own first
 */
export function shareShards(
  made: readonly number[],
  workers: number,
): readonly (readonly [number, ...number[]])[] {
  return Array.from({ length: workers }, (_, own) => [
    own,
    ...made.filter((shard) => shard >= workers && shard % workers === own),
  ])
}

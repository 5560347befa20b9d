/** Opens the shards that one worker works on, as one queue. */
import { isPosternError } from '../mail/errors.ts'
import type { Clock } from '../runtime/clock.ts'
import { openSpool, type SpoolOptions } from './open-spool.ts'
import type { Spool } from './spool.ts'
import { addSurveys, type QueueSurvey } from './queue-survey.ts'
import type { Queue } from './queue.ts'
import { ShardedQueue } from './sharded-queue.ts'
import { shardPath } from './shards.ts'

/** Who was killed a moment ago may take a moment to be gone; whoever is at work still holds the lock after it. */
const patienceMs = 2_000
const lookAgainMs = 50

export interface OpenedShards {
  readonly queue: Queue
  /** All of them now, those that were taken over too. */
  readonly numbers: readonly number[]
  /** Takes over a shard that has lost its worker. @throws PosternError as `openSpool` */
  adopt(shard: number): Promise<void>
  /** Of all of them. */
  survey(): QueueSurvey
}

/**
 * @param shards the own one first
 * @throws PosternError SPOOL_LOCKED, SPOOL_NEWER, DISK_FULL, DISK_FAILED; then none of them is open
 */
export async function openShards(
  options: SpoolOptions,
  shards: readonly [number, ...number[]],
): Promise<OpenedShards> {
  const opened: Spool[] = []
  const numbers: number[] = []
  const open = async (shard: number): Promise<Queue> => {
    const path = shardPath(options.path, shard)
    const spool = await openPatiently({ ...options, shard, path })
    opened.push(spool)
    numbers.push(shard)
    return spool
  }
  try {
    const own = await open(shards[0])
    const queue = new ShardedQueue(own)
    for (const shard of shards.slice(1)) {
      queue.add(await open(shard))
    }
    return {
      queue,
      numbers,
      adopt: async (shard) => queue.add(await open(shard)),
      survey: () => addSurveys(opened.map((spool) => spool.survey())),
    }
  } catch (error) {
    await Promise.all(opened.map((queue) => queue.close()))
    throw error
  }
}

async function openPatiently(options: SpoolOptions): Promise<Spool> {
  const { clock } = options
  const until = clock.monotonicMs() + patienceMs
  for (;;) {
    try {
      return await openSpool(options)
    } catch (error) {
      if (!isPosternError(error, 'SPOOL_LOCKED') || clock.monotonicMs() >= until) throw error
    }
    await pause(clock)
  }
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(lookAgainMs, resolve))
}

/** The numbers of a running gateway, however many processes it is: each worker is asked at its own control socket. */
import { askGateway } from '../control/control-client.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import { shardPath, shardsOf } from '../queue/shards.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import { mergeSnapshots } from '../runtime/metrics/merge.ts'
import { readSnapshot, type MetricsSnapshot } from '../runtime/metrics/snapshot.ts'
import type { Net } from '../runtime/net.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { controlSocket } from './control-socket.ts'
import { readOffline } from './read-offline.ts'

export interface GatherDoors {
  readonly clock: Clock
  readonly disk: Disk
  readonly net: Pick<Net, 'connect'>
}

const systemDoors: GatherDoors = { clock: systemClock, disk: systemDisk, net: nodeNet }

/**
 * @param folder the configuration folder
 * @throws PosternError CONFIG_INVALID; NOT_ALLOWED; CONNECT_FAILED where no gateway runs
 */
export async function metricsOf(folder: string): Promise<MetricsSnapshot> {
  const { spool } = readOffline(folder)
  const snapshots = await askWorkers(spool.path, systemDoors)
  if (snapshots.length > 0) return mergeSnapshots(snapshots)
  throw new PosternError('CONNECT_FAILED', `no gateway runs on ${spool.path}`)
}

/**
 * What those say that answer; one that does not is missing in the sums, and in `postern_workers`.
 * @param spool the path of the spool
 * @param but shards whose worker need not be asked
 */
export async function askWorkers(
  spool: string,
  doors: GatherDoors,
  but: readonly number[] = [],
): Promise<readonly MetricsSnapshot[]> {
  const shards = await shardsOf(doors.disk, spool)
  const asked = shards.filter((shard) => !but.includes(shard))
  const answers = await Promise.all(asked.map((shard) => askWorker(shardPath(spool, shard), doors)))
  return answers.flatMap((answer) => answer ?? [])
}

async function askWorker(
  spool: string,
  { net, clock }: GatherDoors,
): Promise<MetricsSnapshot | undefined> {
  const { path } = controlSocket(spool)
  try {
    return readSnapshot(await askGateway({ verb: 'metrics', of: null }, { net, clock, path }))
  } catch (error) {
    if (isPosternError(error) && error.code !== 'NOT_ALLOWED') return undefined
    throw error
  }
}

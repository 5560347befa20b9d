/** The numbers of a running gateway, however many processes it is: each worker is asked at its own control socket. */
import { mergeSnapshots } from '../runtime/metrics/merge.ts'
import { readSnapshot, type MetricsSnapshot } from '../runtime/metrics/snapshot.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { askWorkers, type Asked, type AskingDoors } from './ask-workers.ts'
import { readOffline } from './read-offline.ts'

const systemDoors: AskingDoors = { clock: systemClock, disk: systemDisk, net: nodeNet }

/**
 * @param folder the configuration folder
 * @returns undefined where no gateway runs
 * @throws PosternError CONFIG_INVALID; NOT_ALLOWED
 */
export async function metricsOf(folder: string): Promise<MetricsSnapshot | undefined> {
  const { spool } = readOffline(folder)
  const snapshots = await metricsOfWorkers(systemDoors, { spool: spool.path })
  return snapshots.length > 0 ? mergeSnapshots(snapshots) : undefined
}

/** What those say that answer; one that does not is missing in the sums, and in `postern_workers`. */
export async function metricsOfWorkers(
  doors: AskingDoors,
  asked: Asked,
): Promise<readonly MetricsSnapshot[]> {
  const answers = await askWorkers({ verb: 'metrics', of: null }, doors, asked)
  return answers.flatMap((answer) => readSnapshot(answer) ?? [])
}

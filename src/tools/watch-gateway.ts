/** The state of a gateway, told to whoever asks for its metrics. What happens is counted where it happens. */
import type { Courier } from '../delivery/courier.ts'
import { isForeign, isUnproven } from '../queue/damaged.ts'
import type { OpenedShards } from '../queue/open-shards.ts'
import { queueStates } from '../queue/queue-survey.ts'
import { shardPath } from '../queue/shards.ts'
import { spoolLayout, unfinished } from '../queue/spool-layout.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Doors } from '../runtime/doors.ts'
import {
  chainMetrics,
  processMetrics,
  queueMetrics,
  receiverMetrics,
  spoolMetrics,
} from '../runtime/metrics/inventory.ts'
import type { MetricReport } from '../runtime/metrics/metrics.ts'
import { unlessMissing } from '../runtime/missing.ts'
import type { Seat } from '../workers/messages.ts'
import { certificateExpiries, chosenExpiries } from './certificates.ts'
import { chosenCertificates } from './chosen-certificates.ts'
import type { Prepared } from './prepare.ts'

export interface WatchedDisk {
  readonly doors: { readonly disk: Disk }
  readonly shards: Pick<OpenedShards, 'numbers'>
  /** The path of the spool. */
  readonly spool: string
}

export interface WatchedGateway extends WatchedDisk {
  readonly doors: Pick<Doors, 'clock' | 'disk' | 'metrics'>
  readonly seat: Pick<Seat, 'workers'>
  readonly shards: Pick<OpenedShards, 'survey' | 'numbers'>
  readonly courier: Pick<Courier, 'status'>
  /** What is in force. */
  readonly current: () => Pick<Prepared, 'configuration' | 'generation' | 'ownCertificate'>
  /** Those that listen now. */
  readonly listeners: readonly { readonly name: string; readonly sessions: number }[]
  /** Explanations that were not kept. */
  readonly tracesDropped: () => number
  /** Whether what lies on the disk is in force. */
  readonly configLoaded: () => boolean
}

export function watchGateway(gateway: WatchedGateway): void {
  const { metrics } = gateway.doors
  metrics.watch((report) => {
    reportChain(gateway, report)
    reportQueue(gateway, report)
    report(processMetrics.workersWanted, gateway.seat.workers)
    report(processMetrics.configLoaded, gateway.configLoaded() ? 1 : 0)
  })
  metrics.watch((report) => reportDisk(gateway, report))
  metrics.watch((report) => reportCertificates(gateway, report))
}

function reportChain(gateway: WatchedGateway, report: MetricReport): void {
  for (const { name: listener, sessions } of gateway.listeners) {
    report(receiverMetrics.sessions, sessions, { listener })
  }
  for (const { name: entry, breakers, counts } of gateway.current().generation.entries) {
    report(chainMetrics.breakers, breakers.state === 'closed' ? 0 : 1, { entry })
    report(chainMetrics.lateAnswers, counts.lateAnswers, { entry })
  }
  report(chainMetrics.tracesDropped, gateway.tracesDropped())
}

function reportQueue({ shards, courier, doors }: WatchedGateway, report: MetricReport): void {
  const { states, segments, logBytes, liveBytes } = shards.survey()
  const now = doors.clock.now()
  for (const state of queueStates) {
    const { messages, oldestAt = now } = states[state]
    report(queueMetrics.messages, messages, { state })
    report(queueMetrics.oldest, Math.max(0, now - oldestAt) / 1000, { state })
  }
  const { local, remote, waiting, hopsDown, paused } = courier.status
  report(queueMetrics.running, local, { channel: 'local' })
  report(queueMetrics.running, remote, { channel: 'remote' })
  report(queueMetrics.waiting, waiting.local, { channel: 'local' })
  report(queueMetrics.waiting, waiting.remote, { channel: 'remote' })
  report(queueMetrics.hopsDown, hopsDown)
  report(queueMetrics.paused, paused ? 1 : 0)
  report(spoolMetrics.segments, segments)
  report(spoolMetrics.bytes, logBytes, { kind: 'all' })
  report(spoolMetrics.bytes, liveBytes, { kind: 'needed' })
}

/** Of what lies on the disk: the space there is, and damage in the shards that this worker has now. */
export async function reportDisk(
  { doors: { disk }, shards, spool }: WatchedDisk,
  report: MetricReport,
): Promise<void> {
  const damaged = shards.numbers.map((shard) => damagedIn(disk, shardPath(spool, shard)))
  const counts = await Promise.all(damaged)
  report(
    spoolMetrics.damaged,
    counts.reduce((sum, count) => sum + count, 0),
  )
  const { sizeBytes, freeBytes, inodes, freeInodes } = await disk.space(spool)
  report(spoolMetrics.diskSize, sizeBytes)
  report(spoolMetrics.diskFree, freeBytes)
  report(spoolMetrics.inodes, inodes)
  report(spoolMetrics.inodesFree, freeInodes)
}

/**
 * What was being written when the power went is no damage: nothing says that it was promised. Nor is what any user of the host
 * may have written as it is.
 */
async function damagedIn(disk: Disk, spool: string): Promise<number> {
  const names = (await unlessMissing(disk.list(spoolLayout(spool).damaged))) ?? []
  const proven = names.filter(
    (name) => !name.endsWith(unfinished) && !isUnproven(name) && !isForeign(name),
  )
  return proven.length
}

async function reportCertificates(gateway: WatchedGateway, report: MetricReport): Promise<void> {
  const { configuration, generation, ownCertificate: path } = gateway.current()
  const own = path === undefined ? undefined : await gateway.doors.disk.readFile(path, 65_536)
  const pem = own === undefined ? undefined : new TextDecoder().decode(own)
  const expiries = [
    ...certificateExpiries(configuration.listeners, pem),
    ...chosenExpiries(chosenCertificates(configuration, generation)),
  ]
  for (const { listener, name, expiresAt } of expiries) {
    report(receiverMetrics.certificateExpiry, expiresAt / 1000, { listener, name })
  }
}

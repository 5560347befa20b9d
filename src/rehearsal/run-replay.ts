/** Replays what was recorded through a candidate's configuration. It reads traces, and nothing else of the gateway. */
import { resolve } from 'node:path'
import { clientEnvironments } from '../config/client-environment.ts'
import type { Configuration } from '../config/configuration.ts'
import { configurationResources } from '../config/resources.ts'
import { wantsHost } from '../formats/tcprules-lookup.ts'
import { buildGeneration } from '../filter/build-generation.ts'
import { loadEntries } from '../filter/load-entries.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { OptionResources } from '../plugin/option.ts'
import { openKeptMessages, type KeptMessages } from '../queue/kept-messages.ts'
import { exists } from '../runtime/missing.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { generationRequest } from '../tools/load-chain.ts'
import { silentLog } from '../tools/silent-log.ts'
import { openRecordedTraces } from '../tools/open-traces.ts'
import { readFolder, readOffline } from '../tools/read-offline.ts'
import { trustedLoader } from '../tools/trusted-loader.ts'
import { tracesSince } from '../trace/traced-period.ts'
import { newRecall } from './recalled-answers.ts'
import { believer, newReplaying } from './replay-chain.ts'
import { replayDoors } from './replay-doors.ts'
import { ReplayReport, type ReplayCounts } from './replay-report.ts'
import { Replayer } from './replayer.ts'

export interface ReplayQuestion {
  /** The configuration folder of the candidate. */
  readonly candidate: string
  /** The one whose traces are replayed; absent: the candidate's. */
  readonly recorded?: string
  /** How far back, from now. */
  readonly sinceMs: number
  /** Transactions that are listed, of each kind. */
  readonly limit: number
  /** Called now and then with how many have been replayed. */
  readonly progress?: (count: number) => void
}

export interface ReplayAnswer extends ReplayCounts {
  readonly since: number
  readonly durationMs: number
  /** In the candidate's configuration: then nothing was replayed. */
  readonly mistakes: readonly Mistake[]
}

const progressEvery = 100

/** @throws PosternError CONFIG_INVALID, STORE_FAILED, DISK_FAILED; NOT_FOUND where nothing was ever recorded */
export async function runReplay(question: ReplayQuestion): Promise<ReplayAnswer> {
  const { candidate: folder, recorded = folder, sinceMs, limit } = question
  const since = systemClock.now() - sinceMs
  const startedMs = systemClock.monotonicMs()
  const report = new ReplayReport(limit)
  const written = readOffline(recorded)
  const kept = await openKeptMessages(systemDisk, written.spool.path)
  try {
    const opened = await openReplayer(folder, kept)
    if ('mistakes' in opened) return { since, durationMs: 0, ...opened, ...report.counts }
    try {
      await replayAll(opened.replayer, { since, written, report, progress: question.progress })
    } finally {
      opened.close()
    }
  } finally {
    await kept.close()
  }
  const durationMs = Math.round(systemClock.monotonicMs() - startedMs)
  return { since, durationMs, mistakes: [], ...report.counts }
}

/** The configuration whose traces a candidate is held against: its own, or, where it has none, the one that is in use. */
export async function recordedFolder(candidate: string, inUse: string): Promise<string> {
  const path = readFolder(candidate).configuration?.traces.path
  return path === undefined || (await exists(systemDisk, path)) ? candidate : inUse
}

interface AllOfThem {
  readonly since: number
  readonly written: Configuration
  readonly report: ReplayReport
  readonly progress: ReplayQuestion['progress']
}

async function replayAll(
  replayer: Replayer,
  { since, written, report, progress }: AllOfThem,
): Promise<void> {
  const archive = await openRecordedTraces(written)
  try {
    for await (const stored of tracesSince(archive, since)) {
      // Of what was never put to the chain nobody can say what it decides.
      if ((stored.trace.via ?? stored.trace.receiver) !== undefined) continue
      report.add(stored.trace, await replayer.replay(stored))
      if (report.count % progressEvery === 0) progress?.(report.count)
    }
  } finally {
    await archive.close()
  }
}

type OpenedReplayer =
  | { readonly replayer: Replayer; close(): void }
  | { readonly mistakes: readonly Mistake[] }

async function openReplayer(folder: string, kept: KeptMessages): Promise<OpenedReplayer> {
  const { configuration, mistakes } = readFolder(folder)
  if (configuration === undefined || mistakes.length > 0) return { mistakes }
  const resources = configurationResources(resolve(folder), { disk: systemDisk, log: silentLog })
  const loader = trustedLoader(configuration)
  const close = (): void => {
    resources.close()
    loader.close()
  }
  const replaying = newReplaying()
  const recall = newRecall()
  const { entries, mistakes: unloaded } = await loadEntries(loader, configuration.chain)
  const built = buildGeneration(
    generationRequest([...entries, believer(replaying)], {
      configuration,
      doors: replayDoors(recall),
      resources: asTheyAre(resources),
    }),
  )
  if (!built.ok || unloaded.length > 0) {
    close()
    return { mistakes: [...unloaded, ...(built.ok ? [] : built.mistakes)] }
  }
  const candidate = built.generation
  const replayer = new Replayer({ candidate, replaying, recall, kept, ...rulesOf(configuration) })
  return { replayer, close }
}

/** Files are read when an entry is set up, and followed no further: each transaction may set one up. */
function asTheyAre(resources: OptionResources): OptionResources {
  const known = new Map<string, Uint8Array | undefined>()
  return {
    table: (path) => resources.table(path),
    cdb: (path) => resources.cdb(path),
    file(path) {
      const file = resources.file(path)
      const read = (): Uint8Array | undefined => {
        if (!known.has(path)) known.set(path, file.read())
        return known.get(path)
      }
      return { path: file.path, read, follow: (parse) => ({ current: parse(read()) }) }
    },
  }
}

function rulesOf({
  tcpRules,
  tcpRulesFile,
  listeners,
}: Configuration): Pick<
  ConstructorParameters<typeof Replayer>[0],
  'environmentOf' | 'wantsName' | 'listeners'
> {
  const find = clientEnvironments(tcpRules, tcpRulesFile)
  return {
    environmentOf: ({ remote, remoteName }) => find({ address: remote.address, host: remoteName }),
    wantsName: (address) => wantsHost(tcpRules, address),
    listeners: new Set(listeners.map(({ name }) => name)),
  }
}

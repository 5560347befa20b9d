import type { Configuration } from '../config/configuration.ts'
import { PosternError } from '../mail/errors.ts'
import type { Archive } from '../runtime/archive.ts'
import type { Log } from '../runtime/log.ts'
import { openArchive } from '../runtime/node/archive.ts'
import { openArchiveBeside } from '../runtime/node/archive-beside.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { ArchiveTraceSearch } from '../trace/archive-search.ts'
import { describeRecord } from '../trace/describe-record.ts'
import type { TraceSearch } from '../trace/trace-search.ts'
import { silentLog } from './silent-log.ts'
import { haveTracesWritten } from './written-traces.ts'

const describer = new URL('../trace/describe-record.ts', import.meta.url)

/** For whoever writes them. Mail goes on without them: what cannot be opened is logged, and tried again. */
export function openTraces(
  { path, ...bounds }: Configuration['traces'],
  log: Log,
): Promise<Archive> {
  return openArchive({ path, bounds, describer, clock: systemClock, log })
}

/**
 * For whoever only reads, and goes on doing other things meanwhile.
 * @throws PosternError NOT_FOUND where nothing was ever recorded, STORE_FAILED
 */
export async function openTraceSearch(configuration: Configuration): Promise<TraceSearch> {
  return new ArchiveTraceSearch(await openRecordedTraces(configuration))
}

/** The records themselves. @throws PosternError NOT_FOUND where nothing was ever recorded, STORE_FAILED */
export async function openRecordedTraces({
  traces: { path },
  spool,
}: Configuration): Promise<Archive> {
  const there = await systemDisk.stat(path)
  if (there === undefined) throw new PosternError('NOT_FOUND', path)
  await haveTracesWritten(spool.path)
  // Says so where nothing is in the file yet; its thread would find no table.
  await openArchiveBeside(path, describeRecord).close()
  return openArchive({ path, describer, clock: systemClock, log: silentLog })
}

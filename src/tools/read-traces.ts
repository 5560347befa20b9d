/** The traces, for a command that asks and ends: beside a running gateway as well as without one. */
import type { Configuration } from '../config/configuration.ts'
import { PosternError } from '../mail/errors.ts'
import { openArchiveBeside } from '../runtime/node/archive-beside.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { ArchiveTraceSearch } from '../trace/archive-search.ts'
import { describeRecord } from '../trace/describe-record.ts'
import type { TraceSearch } from '../trace/trace-search.ts'
import { haveTracesWritten } from './written-traces.ts'

/** @throws PosternError NOT_FOUND where nothing was ever recorded, STORE_FAILED */
export async function readTraces({
  traces: { path },
  spool,
}: Pick<Configuration, 'traces' | 'spool'>): Promise<TraceSearch> {
  if ((await systemDisk.stat(path)) === undefined) throw new PosternError('NOT_FOUND', path)
  await haveTracesWritten(spool.path)
  return new ArchiveTraceSearch(openArchiveBeside(path, describeRecord))
}

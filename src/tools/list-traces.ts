/** `postern log`: a page of traces, and those that come after it. */
import type { Instant } from '../mail/instant.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { pause } from '../runtime/node/pause.ts'
import { clientNetwork } from '../trace/terms.ts'
import type { TracePage, TraceQuery, TraceSearch } from '../trace/trace-search.ts'
import { traceOutcomes, type TraceSummary } from '../trace/trace-summary.ts'
import { readOffline } from './read-offline.ts'
import { readTraces } from './read-traces.ts'

/** Rows of a page where nothing is said. */
const usualLimit = 50

/** As written on a command line. */
export interface WrittenQuery {
  readonly from?: string
  readonly to?: string
  readonly address?: string
  readonly client?: string
  readonly hello?: string
  readonly user?: string
  readonly messageId?: string
  readonly reason?: string
  readonly entry?: string
  readonly outcome?: string
  readonly score?: number
  readonly since?: Instant
  readonly until?: Instant
  readonly text?: string
  readonly limit?: number
}

const followEveryMs = 500
const mostAtOnce = 1000

/** Whether it can be searched for as a client. */
export function isClientNetwork(written: string): boolean {
  return clientNetwork(written) !== undefined
}

/** As the command has it to as the search has it. */
export function readTraceQuery(written: WrittenQuery): TraceQuery {
  const { from, to, score, since, until, outcome, ...same } = written
  return {
    ...same,
    ...(from === undefined ? {} : { sender: from }),
    ...(to === undefined ? {} : { recipient: to }),
    ...(score === undefined ? {} : { scoreAtLeast: score }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...named(traceOutcomes.find((each) => each === outcome)),
  }
}

function named(outcome: TraceQuery['outcome']): Pick<TraceQuery, 'outcome'> {
  return outcome === undefined ? {} : { outcome }
}

/** The newest, oldest first. @throws PosternError STORE_FAILED, CONFIG_INVALID */
export async function listTraces(
  folder: string,
  query: TraceQuery,
): Promise<{ readonly items: readonly TraceSummary[]; readonly more: boolean }> {
  const search = await unlessMissing(readTraces(readOffline(folder)))
  if (search === undefined) return { items: [], more: false }
  try {
    const { items, next } = await filled(search, query)
    return { items: items.toReversed(), more: next !== undefined }
  } finally {
    await search.close()
  }
}

/** One answer may end before it has found what there is: who waits at a terminal wants it whole. */
async function filled(search: TraceSearch, query: TraceQuery): Promise<TracePage> {
  const { limit = usualLimit } = query
  const items: TraceSummary[] = []
  for (let { cursor } = query; ;) {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const page = await search.search({
      ...query,
      limit: limit - items.length,
      ...(cursor === undefined ? {} : { cursor }),
    })
    items.push(...page.items)
    const { next } = page
    if (next === undefined || items.length >= limit) {
      return { items, ...(next === undefined ? {} : { next }) }
    }
    cursor = next
  }
}

/** The newest, then what comes, until it is called off. @throws PosternError STORE_FAILED, CONFIG_INVALID, NOT_FOUND */
export async function* followTraces(
  folder: string,
  query: TraceQuery,
  signal: AbortSignal,
): AsyncGenerator<readonly TraceSummary[], void> {
  const search = await readTraces(readOffline(folder))
  try {
    let { next: cursor } = await search.newSince()
    const { items } = await filled(search, query)
    yield items.toReversed()
    cursor = items[0]?.cursor ?? cursor
    while (!signal.aborted) {
      // What is there by now and does not match need not be looked at again.
      const { next: now } = await search.newSince()
      const page = await search.search({ ...query, order: 'oldest', cursor, limit: mostAtOnce })
      if (page.items.length > 0) yield page.items
      cursor = page.items.at(-1)?.cursor ?? page.next ?? now
      if (page.next === undefined) await pause(followEveryMs, signal)
    }
  } finally {
    await search.close()
  }
}

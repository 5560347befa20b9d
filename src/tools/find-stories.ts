/** `postern why`: whatever somebody has in hand of a message, and everything that is known of it. */
import type { Instant } from '../mail/instant.ts'
import type { Entry } from '../queue/queue.ts'
import { queueId, queueNumber } from '../queue/queue-id.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { clientNetwork } from '../trace/terms.ts'
import type { Story } from '../trace/story.ts'
import type { TraceExtent, TraceQuery, TraceSearch } from '../trace/trace-search.ts'
import type { TraceSummary } from '../trace/trace-summary.ts'
import { followUps, type FollowUp } from './follow-ups.ts'
import { copyOf, findInQueue, queuedStory, readPauses, type QueuedCopy } from './queued-stories.ts'
import { readOffline } from './read-offline.ts'
import { readTraces } from './read-traces.ts'

export interface StoryRequest {
  /** An id of a transaction, session or queued message, a Message-ID, an address, a domain, a client, or `last`. */
  readonly which: string
  readonly since?: Instant
  /** How many are told whole, the newest first, and how many at all. */
  readonly whole: number
  readonly limit: number
}

export interface ToldStory extends Story {
  readonly queued: readonly QueuedCopy[]
  /** What came of it: forwards, notifications, and what came of these. */
  readonly followUps: readonly ToldFollowUp[]
}

export interface ToldFollowUp extends FollowUp {
  /** Where it is still in the queue. */
  readonly queued?: QueuedCopy
}

export interface FoundStories {
  /** Newest first. */
  readonly stories: readonly ToldStory[]
  /** Older ones, in a line each. */
  readonly others: readonly TraceSummary[]
  /** There are older ones still. */
  readonly more: boolean
  /** How far the traces reach back; absent where there are none at all. */
  readonly extent?: TraceExtent
}

/** Attempts among which those of messages without a session are: the newest first, then many at a time, and no more than that. */
const deliveriesAtFirst = 50
const deliveriesAtOnce = 250
const mostRounds = 8

const nonePaused = { covers: () => false }
const nothing: FoundStories = { stories: [], others: [], more: false }

/** @throws PosternError STORE_FAILED, CONFIG_INVALID */
export async function findStories(folder: string, request: StoryRequest): Promise<FoundStories> {
  const search = await unlessMissing(readTraces(readOffline(folder)))
  if (search === undefined) return withQueue({ folder, request, found: nothing, followed: [] })
  try {
    const found = await lookUp(search, request)
    const followed = await Promise.all(
      found.stories.map(async (story) => ({ story, after: await followUps(search, story) })),
    )
    const all = await withQueue({ folder, request, found, followed, search })
    return all.stories.length > 0 ? all : { ...nothing, extent: await search.extent() }
  } finally {
    await search.close()
  }
}

type LookedUp = Omit<FoundStories, 'stories'> & { readonly stories: readonly Story[] }

async function lookUp(search: TraceSearch, request: StoryRequest): Promise<LookedUp> {
  const { which } = request
  // Each question that finds nothing has looked through all there is: the likely one comes first.
  for (const query of questionsFor(which)) {
    // oxlint-disable-next-line no-await-in-loop -- the next one is asked only where this one finds nothing
    const found = await list(search, query, request)
    if (found.stories.length > 0) return found
  }
  const story = which.includes('@') ? undefined : await search.read(which)
  return story === undefined ? nothing : { stories: [story], others: [], more: false }
}

function questionsFor(which: string): readonly TraceQuery[] {
  if (clientNetwork(which) !== undefined) return [{ client: which }]
  // As qmail-send's log has a message: see formats/qmail-log.
  if (/^\d{10,16}$/.test(which) && Number.isSafeInteger(Number(which))) {
    return [{ queueId: queueId(Number(which)) }, { id: which }, { user: which }]
  }
  if (which.startsWith('<') && which.endsWith('>') && which !== '<>') {
    return [{ messageId: which }, { address: which }]
  }
  if (queueNumber(which) !== undefined) return [{ queueId: which }, { id: which }, { user: which }]
  // What looks like an address may be a Message-ID without its brackets.
  return isOfAddresses(which)
    ? [{ address: which }, { messageId: which }]
    : [{ id: which }, { user: which }]
}

/** An address in its brackets or without, a domain, or the null path; not what has a form of its own. */
function isOfAddresses(which: string): boolean {
  if (clientNetwork(which) !== undefined || queueNumber(which) !== undefined) return false
  return which === '<>' || which.includes('@') || /^[^.]+\.[^.]*[a-z]/i.test(which)
}

async function list(
  search: TraceSearch,
  query: TraceQuery,
  { since, whole, limit }: StoryRequest,
): Promise<LookedUp> {
  const { items, next } = await search.search({ ...query, ...(since && { since }), limit })
  const told = await search.stories(items.slice(0, whole))
  const { address } = query
  // Where there are older ones still, those of the courier's are as many as may stand among these.
  const from = next === undefined ? since : items.at(-1)?.startedAt
  const { stories: beside, more } =
    address === undefined
      ? nobodyBeside
      : await besideSessions(search, { address, ...(from && { since: from }) }, { items, limit })
  const room = Math.max(whole - told.length, 0)
  return {
    stories: newestFirst([...told, ...beside.slice(0, room)]),
    others: newestFirst([
      ...items.slice(whole),
      ...beside.slice(room).map(({ summary }) => summary),
    ]),
    more: more || next !== undefined,
  }
}

function newestFirst<T extends { readonly startedAt: Instant }>(of: readonly T[]): readonly T[] {
  return of.toSorted((a, b) => b.startedAt - a.startedAt)
}

interface Beside {
  readonly stories: readonly Story[]
  /** There may be older ones. */
  readonly more: boolean
}

const nobodyBeside: Beside = { stories: [], more: false }

/** Messages from or to an address that no session brought: the courier tells of them alone. */
async function besideSessions(
  search: TraceSearch,
  query: Pick<TraceQuery, 'address' | 'since'>,
  listed: { readonly items: readonly TraceSummary[]; readonly limit: number },
): Promise<Beside> {
  const known = new Set(listed.items.flatMap(({ queueIds }) => queueIds))
  const alone: string[] = []
  let cursor: string | undefined
  for (let round = 0; round < mostRounds; round++) {
    const limit = round === 0 ? deliveriesAtFirst : deliveriesAtOnce
    // oxlint-disable no-await-in-loop -- each page begins where the one before ended
    const page = await search.deliveries({ ...query, limit, ...(cursor && { cursor }) })
    const ids = new Set(page.items.map(({ queueId }) => queueId).filter((id) => !known.has(id)))
    for (const id of ids) known.add(id)
    if (ids.size > 0) {
      const brought = await search.search({ queueId: [...ids], limit: ids.size })
      for (const id of brought.items.flatMap(({ queueIds }) => queueIds)) ids.delete(id)
    }
    // oxlint-enable no-await-in-loop
    alone.push(...ids)
    cursor = page.next
    if (cursor === undefined || alone.length >= listed.limit) break
  }
  if (alone.length === 0) return { stories: [], more: cursor !== undefined }
  const stories = await search.storiesOfCourier(alone.slice(0, listed.limit))
  return { stories, more: cursor !== undefined || alone.length > listed.limit }
}

interface Followed {
  readonly story: Story
  readonly after: readonly FollowUp[]
}

interface Queueing {
  readonly folder: string
  readonly request: StoryRequest
  readonly found: Omit<LookedUp, 'stories'>
  readonly followed: readonly Followed[]
  readonly search?: TraceSearch
}

/** What was found with its copies in the queue, and what is there of which nothing is recorded. */
async function withQueue({
  folder,
  request,
  found,
  followed,
  search,
}: Queueing): Promise<FoundStories> {
  const { which, since, whole, limit } = request
  const open = followed.flatMap(({ story, after }) => [
    ...(isDone(story) ? [] : story.queueIds),
    ...after.flatMap(({ id, attempts }) => (isDone({ queueIds: [id], attempts }) ? [] : id)),
  ])
  const ids = followed.length === 0 ? [which] : open
  const address = isOfAddresses(which) ? which : undefined
  const isWanted = ids.length > 0 || address !== undefined
  const entries = isWanted
    ? await findInQueue(folder, { ids, since, ...(address && { address }) })
    : []
  const pauses = entries.length === 0 ? nonePaused : await readPauses(folder)
  const copy = (entry: Entry): QueuedCopy => copyOf(entry, pauses)
  const told = followed.map(({ story, after }) => ({
    ...story,
    queued: entries.filter(({ id }) => story.queueIds.includes(id)).map(copy),
    followUps: after.map((followUp) => {
      const entry = entries.find(({ id }) => id === followUp.id)
      return entry === undefined ? followUp : { ...followUp, queued: copy(entry) }
    }),
  }))
  const listed = [...followed.map(({ story }) => story.summary), ...found.others]
  const known = new Set([...listed.flatMap(({ queueIds }) => queueIds), ...open])
  const unknown = entries
    .filter(({ id }) => !known.has(id))
    .toSorted((a, b) => b.receivedAt - a.receivedAt)
  const alone = (await unrecorded(unknown, search, limit)).map((entry) => ({
    ...queuedStory(entry),
    queued: [copy(entry)],
    followUps: [],
  }))
  const stories = newestFirst([...told, ...alone])
  const others = [...stories.slice(whole).map(({ summary }) => summary), ...found.others]
  return {
    stories: stories.slice(0, whole),
    others: newestFirst(others).slice(0, limit),
    more: found.more || others.length > limit,
  }
}

/** Of those in the queue: one whose record is older than what is listed is not told of as if it had none. */
async function unrecorded(
  entries: readonly Entry[],
  search: TraceSearch | undefined,
  limit: number,
): Promise<readonly Entry[]> {
  if (search === undefined) return entries
  const found: Entry[] = []
  for (let from = 0; from < entries.length && found.length <= limit; from += deliveriesAtOnce) {
    const some = entries.slice(from, from + deliveriesAtOnce)
    const ids = some.map(({ id }) => id)
    // oxlint-disable-next-line no-await-in-loop -- the first ones are mostly enough
    const { items } = await search.search({ queueId: ids, limit: ids.length })
    const recorded = new Set(items.flatMap(({ queueIds }) => queueIds))
    found.push(...some.filter(({ id }) => !recorded.has(id)))
  }
  return found
}

/** Whether the courier has had its last word on every copy. */
export function isDone({ queueIds, attempts }: Pick<Story, 'queueIds' | 'attempts'>): boolean {
  // Whoever is told may be a recipient too: that is no word on their copy.
  const tries = attempts.filter(({ outcome }) => outcome !== 'told')
  const last = new Map(
    tries.map(({ queueId, recipient, outcome }) => [`${queueId} ${recipient}`, outcome] as const),
  )
  const tried = new Set(tries.map(({ queueId }) => queueId))
  return queueIds.every((id) => tried.has(id)) && ![...last.values()].includes('deferred')
}

/**
 * What a message went on as: forwards, copies of an alias, the notification of who was told. Whoever asks for a message wants
 * to know where it ended, and that may be two messages further on.
 */
import type { Attempt } from '../filter/attempts.ts'
import type { Story } from '../trace/story.ts'
import type { TraceSearch } from '../trace/trace-search.ts'

/** One message that another led to, as far as the courier has told of it. */
export interface FollowUp {
  readonly id: string
  /** Absent as long as nobody has tried to deliver it. */
  readonly reversePath?: string
  readonly recipients: readonly string[]
  readonly attempts: readonly Attempt[]
}

/** A list may send a message on to thousands, and each of them another. */
const mostFollowUps = 20
const deepest = 5

/** Those that the first led to, then those that these led to, in this order. @throws PosternError STORE_FAILED */
export async function followUps(
  search: Pick<TraceSearch, 'storiesOfCourier'>,
  story: Pick<Story, 'attempts' | 'queueIds'>,
): Promise<readonly FollowUp[]> {
  const seen = new Set(story.queueIds)
  const found: FollowUp[] = []
  let ids = ledTo(story.attempts, seen)
  for (let depth = 0; depth < deepest && ids.length > 0; depth++) {
    const asked = ids.slice(0, mostFollowUps - found.length)
    // oxlint-disable-next-line no-await-in-loop -- the next ones are known by these
    const stories = await search.storiesOfCourier(asked)
    const next = asked.map((id) => followUpOf(id, stories))
    found.push(...next)
    ids = next.flatMap(({ attempts }) => ledTo(attempts, seen))
  }
  return found
}

function followUpOf(id: string, stories: readonly Story[]): FollowUp {
  const story = stories.find(({ queueIds }) => queueIds.includes(id))
  if (story === undefined) return { id, recipients: [], attempts: [] }
  const { reversePath, recipients, attempts } = story
  return {
    id,
    ...(reversePath === undefined ? {} : { reversePath }),
    recipients: recipients.map(({ address }) => address),
    attempts,
  }
}

/** Each once, whatever leads to it. */
function ledTo(attempts: readonly Attempt[], seen: Set<string>): readonly string[] {
  const ids = attempts.flatMap((attempt) => attempt.ledTo ?? [])
  return ids.filter((id) => !seen.has(id) && seen.add(id))
}

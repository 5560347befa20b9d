/** What the queue itself says of messages, whatever the traces know of them: a kill takes the newest of these along. */
import { formatMailbox, formatPath } from '../mail/address.ts'
import { Pauses, pausesFile } from '../delivery/pauses.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import { isMeantPath } from '../mail/path-pattern.ts'
import type { Entry, RecipientState } from '../queue/queue.ts'
import { isOpen } from '../queue/recipient-states.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { enteredBeside, storyOf, type Story } from '../trace/story.ts'
import { readOffline } from './read-offline.ts'

/** A copy of a message that is still in the queue. */
export interface QueuedCopy {
  readonly id: string
  readonly held: boolean
  readonly dueAt: Instant
  readonly tries: number
  /** Somebody of them is to wait, because of a pause that names no route. */
  readonly paused: boolean
  readonly recipients: readonly {
    readonly address: string
    readonly state: RecipientState['state']
    readonly text?: string
  }[]
}

export interface WantedEntries {
  readonly ids: readonly string[]
  /** An address or a domain, from or to which all are wanted. */
  readonly address?: string
  /** Of those: none that came in before. */
  readonly since?: Instant | undefined
}

/** The queue is looked through so long: it may be large, and what it says is the last word only. */
const queuePatienceMs = 1500
/** For an address. */
const mostEntries = 10_000

/** In the order of the queue. @throws PosternError CONFIG_INVALID, SPOOL_NEWER, DISK_FAILED */
export async function findInQueue(
  folder: string,
  { ids, address, since = 0 }: WantedEntries,
): Promise<readonly Entry[]> {
  const until = systemClock.monotonicMs() + queuePatienceMs
  const wanted = new Set(ids)
  const found: Entry[] = []
  // Most stories are over: what reads a spool is loaded for the others.
  const { queuedMessages } = await import('./read-spool.ts')
  try {
    for await (const entry of queuedMessages(folder)) {
      if ('damaged' in entry) continue
      const isOfAddress =
        address !== undefined && entry.receivedAt >= since && concerns(entry, address)
      if (wanted.delete(entry.id) || isOfAddress) found.push(entry)
      const isComplete = address === undefined ? wanted.size === 0 : found.length >= mostEntries
      if (isComplete || systemClock.monotonicMs() > until) break
    }
  } catch (error) {
    if (!isPosternError(error, 'NOT_FOUND')) throw error
  }
  return found
}

function concerns({ envelope: { reversePath, recipients } }: Entry, address: string): boolean {
  const wanted = address.includes('@') || address === '<>' ? address : `@${address}`
  const paths = [reversePath, ...recipients.map(({ mailbox }) => mailbox)]
  return paths.some((path) => isMeantPath(path, wanted))
}

/** A message of which nothing is recorded but that it is there. */
export function queuedStory({ id, envelope, receivedAt, sizeBytes }: Entry): Story {
  const record = enteredBeside({
    queueId: id,
    at: receivedAt,
    reversePath: formatPath(envelope.reversePath),
    recipients: envelope.recipients.map(({ mailbox }) => formatMailbox(mailbox)),
    sizeBytes,
  })
  return storyOf(record, { chain: {}, attempts: [] })
}

/** What is paused, as the spool remembers it. @throws PosternError DISK_FAILED, CONFIG_INVALID */
export async function readPauses(folder: string): Promise<Pauses> {
  return Pauses.open(systemDisk, pausesFile(readOffline(folder).spool.path))
}

export function copyOf(
  { id, held, dueAt, tries, envelope, recipients: states }: Entry,
  pauses: Pick<Pauses, 'covers'>,
): QueuedCopy {
  const { reversePath } = envelope
  const open = envelope.recipients.filter((_, index) => {
    const state = states[index]
    return state === undefined || isOpen(state)
  })
  return {
    id,
    held,
    dueAt,
    tries,
    paused: open.some(({ mailbox: recipient }) =>
      pauses.covers({ recipient, reversePath, route: undefined }),
    ),
    recipients: envelope.recipients.map(({ mailbox }, index) => {
      const state = states[index]
      const address = formatMailbox(mailbox)
      if (state === undefined || state.state === 'pending') return { address, state: 'pending' }
      return { address, state: state.state, text: state.text }
    }),
  }
}

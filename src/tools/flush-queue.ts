/** What ETRN asks of the queue: to have tried now what waits for a domain. One flush at a time: each reads the whole queue. */
import { asciiDomain } from '../mail/domain.ts'
import type { Entry, Queue, QueueId } from '../queue/queue.ts'
import type { EtrnNode, QueueFlush } from '../smtp/queue-flush.ts'

/** @param others has the other processes flush what they have: how many messages that is */
export function flushQueue(
  queue: Pick<Queue, 'entries' | 'change'>,
  others: (node: EtrnNode) => Promise<number> = async () => 0,
): QueueFlush {
  let busy = false
  return {
    async flush(node) {
      if (busy) return { outcome: 'busy' }
      busy = true
      try {
        const [ours, theirs] = await Promise.all([retryFor(node, queue), others(node)])
        return { outcome: 'started', messages: ours + theirs }
      } finally {
        busy = false
      }
    },
  }
}

/** @returns how many messages are due now */
export async function retryFor(
  node: EtrnNode,
  queue: Pick<Queue, 'entries' | 'change'>,
): Promise<number> {
  const ids: QueueId[] = []
  for await (const entry of queue.entries()) {
    if (!('damaged' in entry) && isFor(entry, node)) ids.push(entry.id)
  }
  return ids.length === 0 ? 0 : queue.change({ ids }, 'retry')
}

function isFor({ envelope, recipients }: Entry, { domain, below }: EtrnNode): boolean {
  return envelope.recipients.some(({ mailbox }, index) => {
    const { state } = recipients[index] ?? { state: 'pending' }
    if (state === 'delivered' || state === 'failed') return false
    const theirs = asciiDomain(mailbox.domain)
    return theirs === domain || (below && theirs.endsWith(`.${domain}`))
  })
}

/** What ETRN asks of the queue: to have tried now what waits for a domain. One flush at a time: each reads the whole queue. */
import { asciiDomain } from '../mail/domain.ts'
import type { Entry, Queue, QueueId } from '../queue/queue.ts'
import type { EtrnNode, QueueFlush } from '../smtp/queue-flush.ts'

export function flushQueue(queue: Pick<Queue, 'entries' | 'change'>): QueueFlush {
  let busy = false
  return {
    async flush(node) {
      if (busy) return { outcome: 'busy' }
      busy = true
      try {
        const ids = await waitingFor(node, queue)
        const messages = ids.length === 0 ? 0 : await queue.change({ ids }, 'retry')
        return { outcome: 'started', messages }
      } finally {
        busy = false
      }
    },
  }
}

async function waitingFor(
  node: EtrnNode,
  queue: Pick<Queue, 'entries'>,
): Promise<readonly QueueId[]> {
  const ids: QueueId[] = []
  for await (const entry of queue.entries()) {
    if (!('damaged' in entry) && isFor(entry, node)) ids.push(entry.id)
  }
  return ids
}

function isFor({ envelope, recipients }: Entry, { domain, below }: EtrnNode): boolean {
  return envelope.recipients.some(({ mailbox }, index) => {
    const { state } = recipients[index] ?? { state: 'pending' }
    if (state === 'delivered' || state === 'failed') return false
    const theirs = asciiDomain(mailbox.domain)
    return theirs === domain || (below && theirs.endsWith(`.${domain}`))
  })
}

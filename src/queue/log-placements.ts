import { formatPath } from '../mail/address.ts'
import type { Log } from '../runtime/log.ts'
import { envelopeHead } from './envelope-codec.ts'
import type { MessageMeta } from './message-meta.ts'
import { queueId } from './queue-id.ts'

/** One event for each copy that is promised from now on: by these a log follows it through the queue. */
export function logPlacements({ placements, blocks, bodyBytes }: MessageMeta, log: Log): void {
  for (const { number, disposition, block, envelope } of placements) {
    const { reversePath, recipients } = envelopeHead(envelope)
    const isKept = disposition !== 'discard'
    log.info(isKept ? 'message.queued' : 'message.discarded', {
      queueId: queueId(number),
      held: disposition === 'hold' ? true : undefined,
      reversePath: formatPath(reversePath),
      recipients,
      sizeBytes: isKept ? (blocks[block] ?? 0) + bodyBytes : undefined,
    })
  }
}

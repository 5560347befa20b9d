/** Sends on what a .qmail file forwards, through the queue's front door: the outcome is told once it is promised. */
import type { Envelope } from '../../mail/envelope.ts'
import { isPosternError } from '../../mail/errors.ts'
import { CrlfLines } from '../../formats/crlf-lines.ts'
import { envelopeOfQmail } from '../../formats/qmail-envelope.ts'
import type { Placement, Queue } from '../../queue/queue.ts'
import type { Log } from '../../runtime/log.ts'
import type { SenderRewriting, Share } from '../sender-rewriting.ts'
import type { Forwarded, Forwarding } from './local-delivery.ts'
import { passOn, type PassedOn } from './passed-on.ts'
import { hard, soft, type Trouble } from './trouble.ts'

export interface ForwardOptions {
  readonly queue: Pick<Queue, 'begin'>
  readonly log: Log
  /** Where an address without a domain belongs: control/envnoathost. */
  readonly defaultHost: () => string
  /** Strangers' senders are rewritten for strangers; absent: they stay. */
  readonly rewriting?: Pick<SenderRewriting, 'shares'>
}

export function forwardIntoQueue({
  queue,
  log,
  defaultHost,
  rewriting,
}: ForwardOptions): (forwarding: Forwarding) => Promise<Forwarded | Trouble> {
  return async ({ sender, recipients, message, received }) => {
    const sent = envelopeOfQmail({ sender, recipients }, defaultHost())
    if (typeof sent === 'string') return hard(`Unable to forward message: ${sent}. (#5.1.3)`)
    const { envelope, ...how }: PassedOn =
      received === undefined ? { envelope: sent } : passOn(sent, received)
    const draft = queue.begin()
    try {
      const eightBit = await write(draft, message)
      await draft.end()
      const bodyType: Envelope['bodyType'] = eightBit ? '8bitmime' : '7bit'
      const [first = envelope, ...others] = (await rewriting?.shares(envelope)) ?? []
      const placed = (share: Share): Placement => ({
        envelope: { ...envelope, ...share, bodyType },
        disposition: 'deliver',
        headerEdits: [],
      })
      const { ids: ledTo } = await draft.commit([placed(first), ...others.map(placed)])
      const [queueId] = ledTo
      log.info('local.forwarded', { queueId, recipients: recipients.length })
      return { queued: queueId, ledTo, ...how }
    } catch (error) {
      draft.abort()
      if (!isPosternError(error)) throw error
      return soft(`Unable to forward message: ${error.message}. (#4.3.0)`)
    }
  }
}

/** @returns whether anything is outside ASCII */
async function write(
  draft: ReturnType<Queue['begin']>,
  message: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const lines = new CrlfLines()
  let eightBit = false
  for await (const chunk of message) {
    eightBit ||= chunk.some((byte) => byte > 0x7f)
    await draft.write(lines.convert(chunk))
  }
  await draft.write(lines.end())
  return eightBit
}

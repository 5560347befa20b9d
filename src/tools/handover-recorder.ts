/** What programs of this host hand over is found as mail of sessions is: by whoever has its Message-ID, sender or recipient. */
import { formatMailbox, formatPath } from '../mail/address.ts'
import { normalMessageId } from '../mail/message-id.ts'
import type { HandedOver } from '../queue/incoming.ts'
import type { Archive } from '../runtime/archive.ts'
import type { Clock } from '../runtime/clock.ts'
import { enteredBeside } from '../trace/story.ts'

/** Recipients that a record names: a list may have many more. */
const mostRecipients = 2000

/** Never awaited, dropped under overload. */
export function handoverRecorder(archive: Archive, clock: Clock): (handed: HandedOver) => void {
  return ({ ids, envelope, message: { header, sizeBytes } }) => {
    const at = clock.now()
    const record = enteredBeside({
      queueId: ids[0],
      queueIds: ids,
      at,
      reversePath: formatPath(envelope.reversePath),
      recipients: envelope.recipients
        .slice(0, mostRecipients)
        .map(({ mailbox }) => formatMailbox(mailbox)),
      messageId: normalMessageId(header.first('message-id') ?? ''),
      sizeBytes,
    })
    archive.addLater(record, { at, counts: true })
  }
}

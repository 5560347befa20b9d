/**
 * From the end of a message to the final reply: what the message may not be, what the policy rules, and the commit.
 * A 250 needs the receipt of a commit; whatever goes wrong before it leaves nothing promised and says so.
 */
import { isPosternError } from '../mail/errors.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Message } from '../mail/message.ts'
import type { Reply } from '../mail/reply.ts'
import { countHops, protocolName, receivedField } from '../mail/trace-fields.ts'
import type { Placement } from '../queue/queue.ts'
import type { Dialogue, OpenTransaction } from './dialogue.ts'
import type { Intake } from './intake.ts'
import {
  localError,
  messageMalformed,
  messageTooBig,
  notStored,
  objection,
  queued,
  tooManyHops,
} from './replies.ts'

/** Judges and commits the message that `intake` holds; the transaction ends with it. */
export function acceptMessage(dialogue: Dialogue, intake: Intake): MaybePromise<Reply> {
  const { transaction } = dialogue
  if (transaction === undefined) throw new Error('a message without a transaction')
  if (intake.fault !== undefined) {
    return refused(
      dialogue,
      intake.fault === 'too big' ? messageTooBig : messageMalformed(intake.fault),
    )
  }
  if (intake.failure !== undefined) return storeFailed(dialogue, intake.failure.error)
  if (countHops(intake.head) > dialogue.settings.maxHops) return refused(dialogue, tooManyHops)
  return dialogue.consult(intake.end(), (message) => judge(dialogue, transaction, intake, message))
}

function judge(
  dialogue: Dialogue,
  transaction: OpenTransaction,
  intake: Intake,
  message: Message,
): MaybePromise<Reply> {
  return dialogue.consult(dialogue.policy.message({ transaction, message }), (ruling) => {
    if (ruling.ruling === 'commit') return commit(dialogue, intake, ruling.placements)
    const reply = refused(dialogue, objection('message', ruling))
    if (ruling.close) dialogue.end('refused')
    return reply
  })
}

function commit(
  dialogue: Dialogue,
  intake: Intake,
  placements: readonly [Placement, ...Placement[]],
): Promise<Reply> {
  const [first, ...rest] = placements
  dialogue.startCommit()
  return intake
    .commit([withReceived(dialogue, first), ...rest.map((one) => withReceived(dialogue, one))])
    .then(
      (receipt) => {
        const reply = queued(receipt)
        dialogue.mistakes = 0
        dialogue.endTransaction({ end: 'committed', reply, receipt })
        return reply
      },
      (error: unknown) => storeFailed(dialogue, error),
    )
}

/** The last edit, so that the field stands above all others (RFC 5321 §4.4). */
function withReceived({ session, transaction, clock }: Dialogue, placement: Placement): Placement {
  const [recipient, ...others] = placement.envelope.recipients
  const value = receivedField({
    session,
    protocol: protocolName(session, placement.envelope.smtputf8),
    id: transaction?.id ?? session.id,
    at: clock.now(),
    ...(session.remoteName === undefined ? {} : { remoteName: session.remoteName }),
    ...(recipient !== undefined && others.length === 0 ? { recipient: recipient.mailbox } : {}),
  })
  return {
    ...placement,
    headerEdits: [...placement.headerEdits, { edit: 'prepend', name: 'Received', value }],
  }
}

function refused(dialogue: Dialogue, reply: Reply): Reply {
  dialogue.endTransaction({ end: 'refused', reply })
  return reply
}

/** A draft could not be begun, written or committed: nothing was promised. The transaction ends, and at a closed spool the session. */
export function storeFailed(dialogue: Dialogue, error: unknown): Reply {
  const known = isPosternError(error) ? error : undefined
  dialogue.log.error('commit.failed', {
    session: dialogue.session.id,
    transaction: dialogue.transaction?.id,
    code: known?.code,
    error: error instanceof Error ? error.message : String(error),
  })
  const reply = known === undefined ? localError : notStored(known, dialogue.settings.hostname)
  dialogue.endTransaction({ end: 'refused', reply })
  if (reply.code === 421) dialogue.end('shutdown')
  return reply
}

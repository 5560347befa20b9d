/**
 * From the end of a message to the final reply: what the message may not be, what the policy rules, and the commit.
 * A 250 needs the receipt of a commit; whatever goes wrong before it leaves nothing promised and says so.
 */
import type { HeaderEdit } from '../mail/edits.ts'
import { errorMessage, isPosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Message } from '../mail/message.ts'
import type { Answer, Reply } from '../mail/reply.ts'
import type { Replacement } from '../mail/replacement.ts'
import type { Transaction } from '../mail/session.ts'
import { countFields, countHops, protocolName, receivedField } from '../mail/trace-fields.ts'
import type { Placement, Receipt } from '../queue/queue.ts'
import { answersIn, toAll, toEach } from './answers.ts'
import type { Dialogue } from './dialogue.ts'
import { entryEdits } from './entry-edits.ts'
import type { Intake } from './intake.ts'
import type { MessageEvent, MessageRuling, RuledPlacement, WholeRuling } from './policy.ts'
import { envelopeFor, headOf, replacedContent, type Content } from './replaced-content.ts'
import {
  headerTooBig,
  localError,
  messageUnfit,
  notStored,
  objection,
  queued,
  tooManyFields,
  tooManyHops,
} from './replies.ts'

/** Judges and commits the message that `intake` holds; the transaction ends with it. */
export function acceptMessage(dialogue: Dialogue, intake: Intake): MaybePromise<Answer> {
  const { transaction } = dialogue
  if (transaction === undefined) throw new Error('a message without a transaction')
  const { protocol } = dialogue.settings
  const unfit = refuseUnfit(dialogue, intake) ?? refuseHeader(dialogue, intake)
  if (unfit !== undefined) return toAll(protocol, transaction, unfit)
  const answers = answersIn(protocol, transaction)
  return dialogue.consult(intake.end(), (message) => {
    const at = dialogue.clock.now()
    const entering = enteringFor({ dialogue, intake, transaction, message }, at)
    const event = { transaction, message, head: intake.head, entering, answers }
    return dialogue.consult(dialogue.policy.message(event), (ruling) => {
      const judged = { dialogue, intake, transaction, message, entering }
      if (ruling.ruling === 'each') return answerEach(judged, ruling)
      if (ruling.ruling === 'commit') {
        return commit(judged, ruling).then((reply) => toAll(protocol, transaction, reply))
      }
      const reply = refused(dialogue, objection('message', ruling, dialogue.shownId))
      if (ruling.close) dialogue.end('refused')
      return toAll(protocol, transaction, reply)
    })
  })
}

/** Where what came so far can not become a message: the reply that says so. The transaction ends with it. */
export function refuseUnfit(dialogue: Dialogue, { fault, failure }: Intake): Reply | undefined {
  if (fault !== undefined) return refused(dialogue, messageUnfit(fault))
  return failure === undefined ? undefined : storeFailed(dialogue, failure.error)
}

function refuseHeader(dialogue: Dialogue, { head, headIsCut }: Intake): Reply | undefined {
  const { maxHeaderFields, maxHops } = dialogue.settings
  if (headIsCut) return refused(dialogue, headerTooBig)
  if (countFields(head) > maxHeaderFields) return refused(dialogue, tooManyFields)
  return countHops(head) >= maxHops ? refused(dialogue, tooManyHops) : undefined
}

function refused(dialogue: Dialogue, reply: Reply): Reply {
  dialogue.endTransaction({ end: 'refused', reply })
  return reply
}

interface Judged {
  readonly dialogue: Dialogue
  readonly intake: Intake
  readonly transaction: Transaction
  readonly message: Message
  readonly entering: MessageEvent['entering']
}

type CommitRuling = Extract<WholeRuling, { readonly ruling: 'commit' }>
type EachRuling = Extract<MessageRuling, { readonly ruling: 'each' }>

/** Who is refused hears why; the message is committed for the others, and they hear what came of that. */
async function answerEach(judged: Judged, { recipients, whole }: EachRuling): Promise<Answer> {
  const { dialogue } = judged
  const { protocol } = dialogue.settings
  const id = dialogue.shownId
  const repliesWith = (taken: Reply): readonly Reply[] =>
    // The session does not end between the replies to two recipients, so no reply says that it does.
    recipients.map((each) =>
      each.ruling === 'pass' ? taken : objection('message', { ...each, close: false }, id),
    )
  const reply =
    whole.ruling === 'commit'
      ? await commit(judged, whole, repliesWith)
      : objection('message', { ...whole, close: false }, id)
  const replies = repliesWith(reply)
  if (whole.ruling !== 'commit') dialogue.endTransaction({ end: 'refused', reply, replies })
  if (recipients.some((each) => each.ruling !== 'pass' && each.close)) dialogue.end('refused')
  return toEach(protocol, replies, reply)
}

/** @param repliesWith where recipients are told different things: what, if those that pass are told this */
function commit(
  judged: Judged,
  ruling: CommitRuling,
  repliesWith?: (taken: Reply) => readonly Reply[],
): Promise<Reply> {
  const { dialogue, intake, message } = judged
  dialogue.startCommit()
  const { placements, replacement } = ruling
  const committed =
    replacement === undefined
      ? after(copiesOf(judged, { message }, placements), (copies) => intake.commit(copies))
      : commitReplaced(judged, placements, replacement)
  return Promise.resolve(committed).then(
    (receipt) => {
      const reply = queued(receipt, dialogue.shownId)
      dialogue.mistakes = 0
      dialogue.idled = 0
      const replies = repliesWith === undefined ? {} : { replies: repliesWith(reply) }
      dialogue.endTransaction({ end: 'committed', reply, receipt, ...replies })
      return reply
    },
    (error: unknown) => storeFailed(dialogue, error),
  )
}

/** What stands in the place of the message, and for those it is not for the message itself: promised by one commit. */
async function commitReplaced(
  judged: Judged,
  placements: readonly RuledPlacement[],
  replacement: Replacement,
): Promise<Receipt> {
  const { dialogue, intake, message } = judged
  const content = await replacedContent(replacement, dialogue.queue)
  const { draft } = content
  try {
    const received = atLeastOne(placements.filter(({ asReceived }) => asReceived === true))
    const others = atLeastOne(placements.filter(({ asReceived }) => asReceived !== true))
    const replaced = others && (await copiesOf(judged, content, others))
    const kept = received && (await copiesOf(judged, { message }, received))
    if (replaced === undefined) throw new Error('a replacement that is for nobody')
    return await (kept === undefined
      ? draft.commit(replaced)
      : intake.commit(kept, { draft, placements: replaced }))
  } catch (error) {
    draft.abort()
    throw error
  }
}

type Some<T> = readonly [T, ...T[]]

function atLeastOne<T>([first, ...rest]: readonly T[]): Some<T> | undefined {
  return first === undefined ? undefined : [first, ...rest]
}

/** As they are committed: with what every message gets at the door. */
function copiesOf(
  judged: Judged,
  content: Content,
  [first, ...rest]: Some<Placement>,
): MaybePromise<Some<Placement>> {
  return after(judged.entering(content.message), (entry) => {
    const at = judged.dialogue.clock.now()
    const entering = (placement: Placement): Placement => ({
      ...placement,
      headerEdits: [...entry, ...placement.headerEdits, receivedEdit(judged, placement, at)],
      envelope: envelopeFor(placement.envelope, content),
    })
    return [entering(first), ...rest.map(entering)]
  })
}

/** Worked out when somebody asks, and always the same of the same message: who signs must see what is committed. */
function enteringFor(
  { dialogue, intake, transaction, message: received }: Omit<Judged, 'entering'>,
  at: Instant,
): MessageEvent['entering'] {
  const { hostname, completesHeader: completes, maxHeaderBytes } = dialogue.settings
  const facts = { hostname, completes, id: transaction.id, at }
  let edits: readonly HeaderEdit[] | undefined
  return (message) =>
    message === received
      ? (edits ??= entryEdits({ head: intake.head, message, ...facts }))
      : headOf(message, maxHeaderBytes).then((head) => entryEdits({ head, message, ...facts }))
}

const packetNames: ReadonlyMap<string, 'QMTP' | 'QMQP'> = new Map([
  ['qmtp', 'QMTP'],
  ['qmqp', 'QMQP'],
])

/** The last edit, so that the field stands above all others (RFC 5321 §4.4). */
function receivedEdit(
  { dialogue: { session, settings }, transaction }: Judged,
  { envelope }: Placement,
  at: Instant,
): HeaderEdit {
  const [recipient, ...others] = envelope.recipients
  const value = receivedField({
    session,
    protocol: packetNames.get(settings.protocol) ?? protocolName(session, envelope.smtputf8),
    id: transaction.id,
    at,
    ...(session.remoteName === undefined ? {} : { remoteName: session.remoteName }),
    ...(recipient !== undefined && others.length === 0 ? { recipient: recipient.mailbox } : {}),
  })
  return { edit: 'prepend', name: 'Received', value }
}

/** A draft could not be begun, written or committed: nothing was promised. The transaction ends, and at a closed spool the session. */
export function storeFailed(dialogue: Dialogue, error: unknown): Reply {
  const known = isPosternError(error) ? error : undefined
  dialogue.log.error('commit.failed', {
    session: dialogue.session.id,
    transaction: dialogue.transaction?.id,
    code: known?.code,
    error: errorMessage(error),
  })
  const reply = known === undefined ? localError : notStored(known, dialogue.settings.hostname)
  dialogue.endTransaction({ end: 'refused', reply })
  if (reply.code === 421) dialogue.end('shutdown')
  return reply
}

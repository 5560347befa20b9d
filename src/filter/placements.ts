/**
 * From what was decided for each recipient to what the queue commits: one placement for all whose
 * copies are alike. The edits that the opinions carry are applied here, once: those to the envelope
 * at once, those to the header handed on for the commit.
 */
import type { EnvelopeEdit, HeaderEdit } from '../mail/edits.ts'
import type { Envelope, MessageOrigin, Recipient } from '../mail/envelope.ts'
import { applyEnvelopeEdits } from '../mail/envelope-edits.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type { Placement } from '../queue/queue.ts'
import type { Opinion, Outcome, Thresholds } from './decision.ts'

export interface Decided {
  /** One for each recipient of the transaction; none for one that is refused. */
  readonly outcomes: readonly (Outcome | undefined)[]
  readonly other: Outcome
}

export interface PlacementRequest {
  readonly transaction: Transaction
  readonly decided: Decided
  /** Those of enforced entries, in the order in which their edits are applied. */
  readonly opinions: readonly Opinion[]
  readonly thresholds: Thresholds
}

/** The field that `tag` writes: what the message scored, and from which score on it is tagged. */
export const scoreField = 'X-Postern-Score'

const noEdits: readonly HeaderEdit[] = Object.freeze([])

/** @returns at least one: where no recipient is left, the message is discarded, so that its 250 has a receipt. */
export function placementsFor(request: PlacementRequest): readonly [Placement, ...Placement[]] {
  const { transaction, decided, opinions, thresholds } = request
  const recipients = transaction.recipients.filter((_, i) => decided.outcomes[i] !== undefined)
  const envelope = { ...envelopeOf(transaction), recipients }
  const [first, ...others] = decided.outcomes.filter((outcome) => outcome !== undefined)
  if (first !== undefined && isPlain(request) && others.every((other) => alike(other, first))) {
    return [placement(envelope, first, noEdits)]
  }
  const envelopeEdits = opinions.flatMap(({ verdict }) => verdict.envelopeEdits ?? [])
  const adding = envelopeEdits.filter(({ edit }) => edit === 'addRecipient')
  const changing = envelopeEdits.filter(({ edit }) => edit !== 'addRecipient')
  const groups = new Map<string, Group>()
  const put = (outcome: Outcome, index: number | undefined, recipient: Recipient): void => {
    const headerEdits = editsFor(opinions, index, scoreEdits(outcome, thresholds))
    const key = JSON.stringify([outcome.disposition, outcome.reason, headerEdits])
    const group = groups.get(key) ?? { outcome, headerEdits, recipients: [] }
    group.recipients.push(recipient)
    groups.set(key, group)
  }
  for (const [index, recipient] of transaction.recipients.entries()) {
    const outcome = decided.outcomes[index]
    if (outcome !== undefined) put(outcome, index, recipient)
  }
  const edited = [...groups.values()].flatMap(({ outcome, headerEdits, recipients }) => {
    const changed = applyEnvelopeEdits({ ...envelope, recipients }, changing)
    return changed.recipients.length === 0 ? [] : [placement(changed, outcome, headerEdits)]
  })
  const [one, ...more] = withAdded(edited, request, { adding, changing })
  return one === undefined ? [nobodyLeft(envelope)] : [one, ...more]
}

interface Group {
  readonly outcome: Outcome
  readonly headerEdits: readonly HeaderEdit[]
  readonly recipients: Recipient[]
}

/** Recipients that edits add go with those whose copy is theirs too, or get a placement of their own. */
function withAdded(
  placements: readonly Placement[],
  { transaction, decided: { other }, opinions, thresholds }: PlacementRequest,
  { adding, changing }: { adding: readonly EnvelopeEdit[]; changing: readonly EnvelopeEdit[] },
): readonly Placement[] {
  if (adding.length === 0) return placements
  const present = placements.flatMap(({ envelope }) => envelope.recipients)
  const before = { ...envelopeOf(transaction), recipients: present }
  const added = applyEnvelopeEdits(before, adding).recipients.slice(present.length)
  if (added.length === 0) return placements
  const headerEdits = editsFor(opinions, undefined, scoreEdits(other, thresholds))
  const copy = placement({ ...before, recipients: added }, other, headerEdits)
  const same = placements.find(
    (each) =>
      each.disposition === copy.disposition &&
      each.reason === copy.reason &&
      JSON.stringify(each.headerEdits) === JSON.stringify(copy.headerEdits),
  )
  if (same === undefined) {
    const reversePath = changing.findLast(({ edit }) => edit === 'setReversePath')
    const envelope = applyEnvelopeEdits(
      copy.envelope,
      reversePath === undefined ? [] : [reversePath],
    )
    return [...placements, { ...copy, envelope }]
  }
  const recipients = [...same.envelope.recipients, ...added]
  return placements.map((each) =>
    each === same ? { ...same, envelope: { ...same.envelope, recipients } } : each,
  )
}

function envelopeOf({ reversePath, parameters, recipients, session }: Transaction): Envelope {
  return {
    reversePath,
    recipients,
    bodyType: parameters.bodyType ?? '7bit',
    smtputf8: parameters.smtputf8 ?? false,
    requireTls: parameters.requireTls ?? false,
    ...(parameters.envelopeId === undefined ? {} : { envelopeId: parameters.envelopeId }),
    ...(parameters.returnContent === undefined ? {} : { returnContent: parameters.returnContent }),
    ...(session.user === undefined ? {} : { user: session.user }),
    origin: originOf(session),
  }
}

function originOf({ remote, remoteName, hello }: Session): MessageOrigin {
  const { address, port } = remote
  return {
    address,
    port,
    ...(remoteName === undefined ? {} : { name: remoteName }),
    protocol: hello === undefined || hello.verb === 'HELO' ? 'SMTP' : 'ESMTP',
    ...(hello === undefined ? {} : { hello: hello.name }),
  }
}

/** Nobody edits anything: the way of most mail. */
function isPlain({ opinions, thresholds }: PlacementRequest): boolean {
  return (
    thresholds.tag === undefined &&
    opinions.every(
      ({ verdict }) => verdict.headerEdits === undefined && verdict.envelopeEdits === undefined,
    )
  )
}

function alike(a: Outcome, b: Outcome): boolean {
  return a.disposition === b.disposition && a.reason === b.reason
}

function placement(
  envelope: Envelope,
  { disposition, reason }: Outcome,
  headerEdits: readonly HeaderEdit[],
): Placement {
  return { envelope, disposition, headerEdits, ...(reason === undefined ? {} : { reason }) }
}

function nobodyLeft(envelope: Envelope): Placement {
  return { envelope, disposition: 'discard', headerEdits: noEdits, reason: 'NO_RECIPIENT_LEFT' }
}

/** The header edits of all opinions that speak of the recipient; of those that speak of everybody, for one they do not know. */
function editsFor(
  opinions: readonly Opinion[],
  recipient: number | undefined,
  score: readonly HeaderEdit[],
): readonly HeaderEdit[] {
  const edits = opinions.flatMap(({ verdict, recipients }) => {
    if (recipients !== undefined && (recipient === undefined || !recipients.includes(recipient))) {
      return []
    }
    const own = verdict.headerEdits ?? []
    if (verdict.verdict !== 'per-recipient' || recipient === undefined) return own
    return [...own, ...(verdict.verdicts[recipient]?.headerEdits ?? [])]
  })
  return edits.length + score.length === 0 ? noEdits : [...edits, ...score]
}

/** Where scores are tagged, a field of that name that came with the message is a lie and goes. */
function scoreEdits({ score }: Outcome, { tag }: Thresholds): readonly HeaderEdit[] {
  if (tag === undefined) return noEdits
  const remove = { edit: 'remove', name: scoreField } as const
  if (score < tag) return [remove]
  return [remove, { edit: 'prepend', name: scoreField, value: `${score} (tagged from ${tag})` }]
}

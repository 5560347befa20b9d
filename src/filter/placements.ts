/**
 * From what was decided for each recipient to what the queue commits: one placement for all whose
 * copies are alike. The edits that the opinions carry are applied here, once: those to the envelope
 * at once, those to the header handed on for the commit.
 */
import type { Mailbox } from '../mail/address.ts'
import type { EnvelopeEdit, HeaderEdit } from '../mail/edits.ts'
import type { Envelope, MessageOrigin } from '../mail/envelope.ts'
import { applyEnvelopeEdits } from '../mail/envelope-edits.ts'
import type { Header } from '../mail/header.ts'
import type { Message } from '../mail/message.ts'
import type { Session, Transaction } from '../mail/session.ts'
import { verpPath } from '../mail/verp.ts'
import type { Placement } from '../queue/queue.ts'
import type { RuledPlacement } from '../smtp/policy.ts'
import type { Opinion, Outcome, Thresholds } from './decision.ts'
import { groundsOf } from './grounds.ts'
import { tagEdits, type Tagging } from './tagging.ts'

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
  /** One for each recipient, where somebody has thresholds of their own. */
  readonly own?: readonly Thresholds[] | undefined
  readonly tagging: Tagging
  /** As received. */
  readonly message: Message
  readonly replaced?: Replaced | undefined
}

/** A message that stands in the place of the one received. What is added to the envelope goes with it. */
export interface Replaced {
  readonly message: Message
  /** Whose copies are of it, as indexes; absent: everybody's. */
  readonly recipients?: readonly number[]
}

const noEdits: readonly HeaderEdit[] = Object.freeze([])

/** @returns at least one: where no recipient is left, the message is discarded, so that its 250 has a receipt. */
export function placementsFor(
  request: PlacementRequest,
): readonly [RuledPlacement, ...RuledPlacement[]] {
  const { transaction, decided, opinions } = request
  const recipients = transaction.recipients.filter((_, i) => decided.outcomes[i] !== undefined)
  const envelope = { ...envelopeOf(transaction), recipients }
  const [first, ...others] = decided.outcomes.filter((outcome) => outcome !== undefined)
  if (first?.disposition === 'deliver' && isPlain(request) && others.every(isDelivered)) {
    return [placement(envelope, first, noEdits)]
  }
  const envelopeEdits = opinions.flatMap(({ verdict }) => verdict.envelopeEdits ?? [])
  const adding = envelopeEdits.filter(({ edit }) => edit === 'addRecipient')
  const changing = envelopeEdits.filter(({ edit }) => edit !== 'addRecipient' && edit !== 'addCopy')
  const edited = versionsOf(request).flatMap((version): RuledPlacement[] => {
    const { outcome, headerEdits, recipients: indexes, asReceived } = version
    const meant = new Set(indexes)
    const own = transaction.recipients.filter((_, index) => meant.has(index))
    const changed = applyEnvelopeEdits({ ...envelope, recipients: own }, changing)
    if (changed.recipients.length === 0) return []
    const because = grounds(request, outcome, indexes[0])
    const placed = { ...placement(changed, outcome, headerEdits), ...because }
    return [asReceived ? { ...placed, asReceived } : placed]
  })
  const placed = withAdded(edited, request, { adding, changing })
  const all = [...placed, ...copiesFor(request, placed)]
  const [one, ...more] = request.replaced === undefined ? all : receivedFirst(all)
  return one === undefined ? [nobodyLeft(envelope)] : [one, ...more]
}

/** One version of the message, and whose it is. */
export interface Version {
  readonly outcome: Outcome
  readonly headerEdits: readonly HeaderEdit[]
  /** Indexes into the transaction's recipients. */
  readonly recipients: readonly number[]
  /** Of the message as received, though others get what stands in its place. */
  readonly asReceived: boolean
}

/** One for all recipients who get the same. */
export function versionsOf(request: PlacementRequest): readonly Version[] {
  const versions = new Map<string, Version & { readonly recipients: number[] }>()
  // Most messages have one recipient, and nothing to be compared with.
  const only = request.decided.outcomes.length === 1
  for (const [index, outcome] of request.decided.outcomes.entries()) {
    if (outcome === undefined) continue
    const asReceived = keepsReceived(request, outcome, index)
    const headerEdits = editsFor(
      request.opinions,
      index,
      scoreEdits(outcome, index, request, asReceived),
    )
    // What is held is released for one recipient or for another: each has a message of their own.
    const apart = outcome.disposition === 'hold' ? index : undefined
    const key = only ? '' : keyOfVersion(outcome, headerEdits, apart, asReceived)
    const version = versions.get(key) ?? { outcome, headerEdits, recipients: [], asReceived }
    version.recipients.push(index)
    versions.set(key, version)
  }
  return [...versions.values()]
}

function keyOfVersion(
  { disposition, reason }: Outcome,
  headerEdits: readonly HeaderEdit[],
  apart: number | undefined,
  asReceived: boolean,
): string {
  return JSON.stringify([disposition, reason, headerEdits, apart ?? null, asReceived])
}

/** Of what is discarded nothing is kept: neither of the two messages. */
function keepsReceived(
  { replaced }: PlacementRequest,
  { disposition }: Outcome,
  recipient: number,
): boolean {
  const meant = replaced?.recipients
  return meant !== undefined && disposition !== 'discard' && !meant.includes(recipient)
}

function receivedFirst(placements: readonly RuledPlacement[]): readonly RuledPlacement[] {
  const received = placements.filter(({ asReceived }) => asReceived === true)
  return [...received, ...placements.filter(({ asReceived }) => asReceived !== true)]
}

/** Recipients that edits add go with those whose copy is theirs too, or get a placement of their own. */
function withAdded(
  placements: readonly RuledPlacement[],
  request: PlacementRequest,
  { adding, changing }: { adding: readonly EnvelopeEdit[]; changing: readonly EnvelopeEdit[] },
): readonly RuledPlacement[] {
  const { transaction, decided, opinions } = request
  const { other } = decided
  if (adding.length === 0) return placements
  const present = placements.flatMap(({ envelope }) => envelope.recipients)
  const before = { ...envelopeOf(transaction), recipients: present }
  const added = applyEnvelopeEdits(before, adding).recipients.slice(present.length)
  if (added.length === 0) return placements
  const headerEdits = editsFor(opinions, undefined, scoreEdits(other, undefined, request))
  const copy = {
    ...placement({ ...before, recipients: added }, other, headerEdits),
    ...grounds(request, other, undefined),
  }
  const same = placements.find(
    (each) =>
      each.disposition !== 'hold' &&
      each.asReceived === undefined &&
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

/** Copies go one to each address that gets nothing yet: wherever the message goes at all, and held only where it is held for all. */
function copiesFor(
  request: PlacementRequest,
  placements: readonly Placement[],
): readonly Placement[] {
  const { transaction, decided, opinions } = request
  const other = ofAnybody(decided)
  if (!opinions.some(({ verdict }) => verdict.envelopeEdits?.some(isCopy))) return []
  const served = new Set(
    placements.flatMap(({ envelope }) => envelope.recipients.map(({ mailbox }) => keyOf(mailbox))),
  )
  return opinions.flatMap(({ verdict }) =>
    (verdict.envelopeEdits ?? []).flatMap((edit) => {
      if (edit.edit !== 'addCopy' || served.has(keyOf(edit.recipient.mailbox))) return []
      served.add(keyOf(edit.recipient.mailbox))
      const { recipient, reversePath } = edit
      const envelope = { ...envelopeOf(transaction), reversePath, recipients: [recipient] }
      const shared = editsFor(opinions, undefined, scoreEdits(other, undefined, request))
      const copy = placement(envelope, other, [...shared, ...edit.headerEdits])
      return [{ ...copy, ...grounds(request, other, undefined) }]
    }),
  )
}

/** What has become of the message for whom it is kept least from. */
function ofAnybody({ outcomes, other }: Decided): Outcome {
  const known = outcomes.filter((outcome) => outcome !== undefined)
  return known.find(isDelivered) ?? known.find(({ disposition }) => disposition === 'hold') ?? other
}

function isCopy({ edit }: EnvelopeEdit): boolean {
  return edit === 'addCopy'
}

/** Local-parts differ by case (RFC 5321 §2.4). */
function keyOf({ localPart, domain }: Mailbox): string {
  return `${localPart}@${domain.toLowerCase()}`
}

function envelopeOf({ reversePath, parameters, recipients, session }: Transaction): Envelope {
  return {
    reversePath: parameters.verp && reversePath !== null ? verpPath(reversePath) : reversePath,
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
function isPlain({ opinions, thresholds, own, replaced }: PlacementRequest): boolean {
  return (
    replaced?.recipients === undefined &&
    [thresholds, ...(own ?? [])].every(({ tag }) => tag === undefined) &&
    opinions.every(
      ({ verdict }) =>
        !edits(verdict) && !(verdict.verdict === 'per-recipient' && verdict.verdicts.some(edits)),
    )
  )
}

function edits({ headerEdits, envelopeEdits }: Opinion['verdict']): boolean {
  return headerEdits !== undefined || envelopeEdits !== undefined
}

function isDelivered({ disposition }: Outcome): boolean {
  return disposition === 'deliver'
}

function grounds(
  { transaction: { id }, opinions }: PlacementRequest,
  outcome: Outcome,
  recipient: number | undefined,
): Pick<Placement, 'grounds'> {
  if (outcome.disposition !== 'hold') return {}
  return { grounds: groundsOf({ transaction: id, outcome, opinions, recipient }) }
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

/**
 * The header edits of all opinions that speak of the recipient; of those that speak of everybody, for one they do not
 * know. Signatures come last: they are of all the others.
 */
function editsFor(
  opinions: readonly Opinion[],
  recipient: number | undefined,
  score: readonly HeaderEdit[],
): readonly HeaderEdit[] {
  const editsOf = ({ verdict, recipients }: Opinion): readonly HeaderEdit[] => {
    if (recipients !== undefined && (recipient === undefined || !recipients.includes(recipient))) {
      return []
    }
    const own = verdict.headerEdits ?? []
    if (verdict.verdict !== 'per-recipient' || recipient === undefined) return own
    return [...own, ...(verdict.verdicts[recipient]?.headerEdits ?? [])]
  }
  const edits = opinions.filter((each) => !signs(each)).flatMap(editsOf)
  const signatures = opinions.filter(signs).flatMap(editsOf)
  const all = [...edits, ...score, ...signatures]
  return all.length === 0 ? noEdits : all
}

function signs({ question }: Opinion): boolean {
  return question === 'sign'
}

function scoreEdits(
  { score }: Outcome,
  recipient: number | undefined,
  { thresholds, own, tagging, message, replaced }: PlacementRequest,
  asReceived = false,
): readonly HeaderEdit[] {
  const header = (): Header => (asReceived ? message : (replaced?.message ?? message)).header
  const { tag } = (recipient === undefined ? undefined : own?.[recipient]) ?? thresholds
  return tagEdits({ score, threshold: tag, tagging, header })
}

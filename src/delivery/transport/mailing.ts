/**
 * All recipients of one delivery to one next hop: as many transactions as they need, over as many sessions as
 * those transactions need. A session that was kept from an earlier message may turn out to be gone; then the next
 * one is asked, and nobody is told twice.
 */
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Message } from '../../mail/message.ts'
import { reversePathFor, verpBase } from '../../mail/verp.ts'
import { trouble, type Hop } from './hop-result.ts'
import { fit, speakable, unspeakable, type EightBitRule } from './mail-form.ts'
import type { Found } from './found.ts'
import type { Lease, SessionPool } from './session-pool.ts'
import type { SmtpSession } from './smtp-session.ts'
import type { SmtpTimeouts } from './smtp-timeouts.ts'
import { transact, type SessionState } from './smtp-transaction.ts'
import type { Source } from './xforward.ts'

export interface Mailing {
  readonly message: Message
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
  readonly source?: Source
}

export interface MailingDoors {
  readonly pool: SessionPool
  /** What a session may be reused for. */
  readonly key: string
  /** Whether a session that waited is still what `open` would give. */
  readonly suits: (session: SmtpSession) => Promise<boolean>
  /** A session with the next hop, or the result of everybody. */
  readonly open: () => Promise<Found<SmtpSession>>
  readonly signal: AbortSignal
  readonly timeouts: SmtpTimeouts
  /** At most so many recipients in one transaction. */
  readonly maxRecipients: number
  readonly eightBit: EightBitRule
}

type Results = (DeliveryResult | undefined)[]

/** One result for each recipient, in order. */
export async function mailAll(
  mailing: Mailing,
  doors: MailingDoors,
): Promise<readonly DeliveryResult[]> {
  const { pool, key, open } = doors
  const results: Results = mailing.recipients.map(() => undefined)
  for (;;) {
    const kept = await keptSession(doors)
    const fresh = kept === undefined ? await open() : undefined
    if (fresh?.result !== undefined) return results.map((result) => result ?? fresh.result)
    const lease = kept ?? (fresh?.found && pool.lease(fresh.found))
    if (lease === undefined) throw new Error('neither a session nor a result')
    const before = openOf(results).length
    const wasUsed = lease.isUsed
    const state = await overOneSession(mailing, { lease, results, doors })
    pool.give(key, lease, state)
    const left = openOf(results).length
    if (left === 0) return results.flatMap((result) => result ?? [])
    // What one session could not finish another may, as long as there is progress.
    if (left === before && !wasUsed) {
      return results.map((result) => result ?? unreached(lease.session.hop))
    }
  }
}

async function keptSession({ pool, key, suits, signal }: MailingDoors): Promise<Lease | undefined> {
  for (let kept = pool.take(key, signal); kept; kept = pool.take(key, signal)) {
    if (await suits(kept.session)) return kept
    pool.give(key, kept, 'over')
  }
  return undefined
}

function openOf(results: Results): readonly number[] {
  return [...results.keys()].filter((at) => results[at] === undefined)
}

interface AtWork {
  readonly lease: Lease
  /** Filled in; what stays undefined was not heard of there. */
  readonly results: Results
  readonly doors: MailingDoors
}

async function overOneSession(mailing: Mailing, work: AtWork): Promise<SessionState> {
  const { lease, results, doors } = work
  const { eightBit } = doors
  const { message, envelope, recipients } = mailing
  const { hop, extensions } = lease.session
  const everybody = (result: DeliveryResult): SessionState => {
    for (const at of openOf(results)) results[at] = result
    return 'ready'
  }
  try {
    const { form, unfit } = await fit({ hop, extensions, message, envelope, eightBit })
    if (unfit !== undefined) return everybody(unfit)
    const { smtputf8 } = form
    const spoken = recipients.map((recipient, at) => {
      const named = { ...recipient, mailbox: speakable(recipient.mailbox, smtputf8) }
      results[at] ??= unspeakable(named, { hop, smtputf8 })
      return named
    })
    let state: SessionState = 'ready'
    while (state === 'ready' && lease.mailsLeft > 0 && openOf(results).length > 0) {
      state = await oneTransaction({ ...mailing, recipients: spoken, form }, work)
      if (state === 'unclear' && openOf(results).length > 0) state = await reset(work)
    }
    return state
  } catch (error) {
    if (!isPosternError(error)) throw error
    everybody(trouble(hop, error))
    return 'over'
  }
}

type FormedMailing = Mailing & { readonly form: Parameters<typeof transact>[0]['form'] }

async function oneTransaction(
  { message, envelope, recipients, form, source }: FormedMailing,
  { lease, results, doors }: AtWork,
): Promise<SessionState> {
  const batch = nextBatch({ envelope, recipients }, { lease, results, doors })
  const named = batch.flatMap((at) => recipients[at] ?? [])
  const [first] = named
  if (first === undefined) throw new Error('a transaction for nobody')
  const { reversePath } = envelope
  const own = reversePathFor(reversePath, first.mailbox)
  const outcome = await transact({
    session: lease.session,
    message,
    form,
    envelope,
    reversePath: own === null ? null : speakable(own, form.smtputf8),
    recipients: named,
    timeouts: doors.timeouts,
    ...(source === undefined ? {} : { source }),
  })
  lease.mailsLeft--
  // The session ended after earlier mail: not a word of this was heard, so another session may take it.
  if (outcome.unheard && lease.isUsed) return outcome.state
  lease.isUsed = true
  batch.forEach((at, i) => {
    if (!outcome.leftOver.includes(i)) results[at] = outcome.results[i]
    else if (outcome.state === 'over') results[at] = outcome.results[i]
  })
  // Those too many for this transaction get another, unless not even one was accepted.
  if (outcome.leftOver.length === batch.length) {
    batch.forEach((at, i) => (results[at] = outcome.results[i]))
  }
  return outcome.state
}

/** The recipients of the next transaction: as many as we, and the next hop (RFC 9422), let stand together. */
function nextBatch(
  { envelope, recipients }: Pick<Mailing, 'envelope' | 'recipients'>,
  { lease, results, doors }: AtWork,
): readonly number[] {
  const { limits } = lease.session
  const most = Math.min(doors.maxRecipients, limits.recipients)
  const maxBatch = verpBase(envelope.reversePath) === undefined ? most : 1
  const domains = new Set<string>()
  const batch: number[] = []
  for (const at of openOf(results)) {
    if (batch.length >= maxBatch) break
    const domain = recipients[at]?.mailbox.domain.toLowerCase() ?? ''
    if (!domains.has(domain) && domains.size >= limits.recipientDomains) continue
    domains.add(domain)
    batch.push(at)
  }
  return batch
}

async function reset({ lease: { session }, doors }: AtWork): Promise<SessionState> {
  try {
    const reply = await session.client.command('RSET', doors.timeouts.mailMs)
    return reply.code === 250 ? 'ready' : 'over'
  } catch (error) {
    if (!isPosternError(error)) throw error
    return 'over'
  }
}

function unreached({ address }: Hop): DeliveryResult {
  const text = `The session with ${address} ended before this recipient's turn`
  return { outcome: 'deferred', status: '4.4.2', text }
}

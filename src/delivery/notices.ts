/**
 * What a pass over a message owes to whom: RFC 3461 §4.1 says who wants to know, qmail's rules say who is told.
 * Pure: nothing is sent here.
 */
import { doubleBounceUser } from '../mail/double-bounce.ts'
import { verpBase } from '../mail/verp.ts'
import type { Mailbox } from '../mail/address.ts'
import type { DsnRecipient } from '../mail/dsn.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Instant } from '../mail/instant.ts'
import type { Entry } from '../queue/queue.ts'
import { isTried, type PassResult } from './pass.ts'

/** What became of one recipient in this pass, as far as a sender may want to know it. */
export interface Report {
  readonly recipient: Recipient
  readonly result: DeliveryResult
  /** When it was tried. */
  readonly at: Instant
  /** Of a delay: when we give up. */
  readonly retryUntil?: Instant
}

/** Nobody waits for the notices of these, or their sender asked for none: the failures are dropped and logged. */
export interface Addressees {
  /** Who is told of failures; absent: nobody, by qmail's rules. */
  readonly ofFailures?: Mailbox
  /** Who is told of deliveries and delays: the sender, never anybody else. */
  readonly ofProgress?: Mailbox
}

/** Whose failure it is, as qmail-send decides it; a bounce of a double bounce is nobody's. */
export function addressees(
  { reversePath, user }: Envelope,
  doubleBounceTo: Mailbox | undefined,
): Addressees {
  if (reversePath === null) {
    const nobody = user === doubleBounceUser || doubleBounceTo === undefined
    return nobody ? {} : { ofFailures: doubleBounceTo }
  }
  const isDouble = reversePath.localPart === '#' && reversePath.domain === '[]'
  if (isDouble) return {}
  // Where each recipient's copy had a path of its own, what concerns the whole goes to their base.
  const sender = verpBase(reversePath) ?? reversePath
  return { ofFailures: sender, ofProgress: sender }
}

/**
 * Whether the sender wants to know: of a failure unless NOTIFY says otherwise, of a delivery or a delay only if
 * NOTIFY says so. What went on with its NOTIFY to a hop that reports is not ours to tell (RFC 3461 §5.2.2).
 */
export function isWanted({ recipient: { notify }, result }: Report): boolean {
  switch (result.outcome) {
    case 'failed':
      return notify === undefined || notify.includes('failure')
    case 'deferred':
      return notify?.includes('delay') === true
    case 'delivered':
      return notify?.includes('success') === true && result.relayed !== 'with-dsn'
  }
}

export function dsnRecipient({ recipient, result, at, retryUntil }: Report): DsnRecipient {
  return {
    recipient,
    result,
    lastAttemptAt: at,
    ...(result.outcome === 'delivered' && result.relayed !== undefined
      ? { action: 'relayed' as const }
      : {}),
    ...(retryUntil === undefined ? {} : { retryUntil }),
  }
}

export interface PassFacts {
  readonly entry: Pick<Entry, 'receivedAt' | 'recipients'>
  /** Of each attempt, which of the entry's recipients it was for. */
  readonly recipientIndexes: readonly number[]
  /** So old must a message be before its sender is told of a delay. */
  readonly delayNoticeMs: number
  readonly lifetimeMs: number
}

/** What a pass has to say of each recipient; undefined where there is nothing new: not tried, or deferred as before. */
export function reportsOf(
  attempts: readonly PassResult[],
  facts: PassFacts,
): readonly (Report | undefined)[] {
  const { entry, recipientIndexes, delayNoticeMs, lifetimeMs } = facts
  return attempts.map((attempt, i) => {
    if (!isTried(attempt)) return undefined
    const { recipient, result, startedAt } = attempt
    const report = { recipient, result, at: startedAt }
    if (result.outcome !== 'deferred') return report
    const isLate = startedAt - entry.receivedAt >= delayNoticeMs
    if (!isLate || knowsOfDelay(entry, recipientIndexes[i])) return undefined
    return { ...report, retryUntil: entry.receivedAt + lifetimeMs }
  })
}

/** Whether the sender has been told before that this recipient takes long. */
export function knowsOfDelay(
  { recipients }: Pick<Entry, 'recipients'>,
  index: number | undefined,
): boolean {
  const state = index === undefined ? undefined : recipients[index]
  return state?.state === 'deferred' && state.delayTold === true
}

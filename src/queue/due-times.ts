/**
 * When the recipients of one message fall due. A message is due when the first of them is; one who is due later than
 * that has a time of their own, and is not tried before it. Local and remote deliveries have a schedule each (qmail).
 */
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import type { Claim, Entry, RecipientState, RetryTimes } from './queue.ts'
import { isOpen, stateAfter } from './recipient-states.ts'

/** Indexes of the open recipients whose time has come; of all of them where it has come for nobody. */
export function dueRecipients(states: readonly RecipientState[], now: Instant): readonly number[] {
  const open = states.flatMap((state, at) => (isOpen(state) ? at : []))
  const due = open.filter((at) => (ownTime(states[at]) ?? now) <= now)
  return due.length > 0 ? due : open
}

/** Those of them who are meant, as a claim names them. */
export function whoIsDue(
  { envelope, recipients: states }: Pick<Entry, 'envelope' | 'recipients'>,
  now: Instant,
  isMeant: (recipient: Recipient) => boolean,
): Pick<Claim, 'recipientIndexes' | 'recipients'> {
  const due = dueRecipients(states, now).flatMap((at) => {
    const recipient = envelope.recipients[at]
    return recipient !== undefined && isMeant(recipient) ? [{ at, recipient }] : []
  })
  return {
    recipientIndexes: due.map(({ at }) => at),
    recipients: due.map(({ recipient }) => recipient),
  }
}

/** One pass over a message. */
export interface Round {
  /** Of every recipient, before it. */
  readonly before: readonly RecipientState[]
  /** Who was tried, and what came of it. */
  readonly indexes: readonly number[]
  readonly results: readonly DeliveryResult[]
  readonly retryAt: RetryTimes
  readonly now: Instant
  /** Rounds so far, this one included. */
  readonly tries: number
}

export interface AfterRound {
  /** Of those that were tried. */
  readonly states: readonly (readonly [index: number, state: RecipientState])[]
  /** Whether anybody is open, tried now or not. */
  readonly open: boolean
  /** When the first of them is due. */
  readonly dueAt: Instant
}

export function afterRound({ before, indexes, results, retryAt, now, tries }: Round): AfterRound {
  const tried = new Map(
    results.map((result, i) => {
      const at = typeof retryAt === 'number' ? retryAt : (retryAt[i] ?? now)
      return [indexes[i] ?? -1, { state: stateAfter(result, tries), at: Math.ceil(at) }] as const
    }),
  )
  const times = before.flatMap((state, index) => {
    const { state: after, at } = tried.get(index) ?? { state, at: ownTime(state) ?? now }
    return isOpen(after) ? at : []
  })
  const dueAt = times.reduce((first, at) => Math.min(first, at), Infinity)
  const states = [...tried].map(
    ([index, { state, at }]) =>
      [index, state.state === 'deferred' && at > dueAt ? { ...state, dueAt: at } : state] as const,
  )
  return { states, open: times.length > 0, dueAt: times.length > 0 ? dueAt : now }
}

/** When the first of those is due that a claim left alone; Infinity where it left nobody. */
export function othersDueAt(
  states: readonly RecipientState[],
  claimed: readonly number[],
): Instant {
  return states.reduce((first, state, index) => {
    const at = isOpen(state) && !claimed.includes(index) ? ownTime(state) : undefined
    return Math.min(first, at ?? Infinity)
  }, Infinity)
}

/** Everybody is due with the message again: somebody said so. */
export function withoutOwnTime(state: RecipientState): RecipientState {
  if (state.state !== 'deferred' || state.dueAt === undefined) return state
  const { dueAt: _, ...rest } = state
  return rest
}

function ownTime(state: RecipientState | undefined): Instant | undefined {
  return state?.state === 'deferred' ? state.dueAt : undefined
}

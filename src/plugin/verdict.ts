import type { PermanentStatus, TransientStatus } from '../mail/status.ts'
import type { Opinion } from './opinion.ts'

/** One plugin's answer at one stage: a value that a hook returns. A refusal is not an exception. */
export type Verdict = Pass | Accept | Defer | Reject | Quarantine | Discard | PerRecipient

/** Nothing to object, nothing to vouch for. */
export interface Pass extends Opinion {
  readonly verdict: 'pass'
}

/** "I vouch for this recipient." Only at `rcpt`, only from a plugin that declares `vouches`. */
export interface Accept extends Opinion {
  readonly verdict: 'accept'
}

interface Refusal extends Opinion {
  /** What the client is told. */
  readonly text: string
  /** End the session with this reply. */
  readonly close: boolean
  /** Speak now, or remember it and speak at RCPT; the entry's explicit `refuse_at` beats it. */
  readonly at?: 'now' | 'rcpt'
}

export interface Defer extends Refusal {
  readonly verdict: 'defer'
  readonly status: TransientStatus
}

export interface Reject extends Refusal {
  readonly verdict: 'reject'
  readonly status: PermanentStatus
}

/** Take the message, answer 250, hold it. */
export interface Quarantine extends Opinion {
  readonly verdict: 'quarantine'
}

/** Take the message, answer 250, keep a record and nothing else. */
export interface Discard extends Opinion {
  readonly verdict: 'discard'
}

export type RecipientVerdict = Pass | Defer | Reject | Quarantine | Discard

/** One verdict for each recipient of the transaction, in its order. */
export interface PerRecipient extends Opinion {
  readonly verdict: 'per-recipient'
  readonly verdicts: readonly RecipientVerdict[]
}

/** `close` ends the session; `at` says when to speak. */
export interface RefusalOptions extends Opinion {
  readonly close?: boolean
  readonly at?: 'now' | 'rcpt'
}

const plainPass: Pass = Object.freeze({ verdict: 'pass' })

export function pass(opinion?: Opinion): Pass {
  return opinion === undefined ? plainPass : { ...opinion, verdict: 'pass' }
}

/** Whether this is the pass that carries nothing: the common case, which costs nothing. */
export function isPlainPass(verdict: Verdict): boolean {
  return verdict === plainPass
}

export function accept(opinion?: Opinion): Accept {
  return { ...opinion, verdict: 'accept' }
}

/** A temporary refusal: the client should come back. */
export function defer(status: TransientStatus, text: string, options: RefusalOptions = {}): Defer {
  return { ...options, verdict: 'defer', status, text, close: options.close ?? false }
}

/** A permanent refusal. */
export function reject(
  status: PermanentStatus,
  text: string,
  options: RefusalOptions = {},
): Reject {
  return { ...options, verdict: 'reject', status, text, close: options.close ?? false }
}

export function quarantine(opinion?: Opinion): Quarantine {
  return { ...opinion, verdict: 'quarantine' }
}

export function discard(opinion?: Opinion): Discard {
  return { ...opinion, verdict: 'discard' }
}

export function perRecipient(
  verdicts: readonly RecipientVerdict[],
  opinion?: Opinion,
): PerRecipient {
  return { ...opinion, verdict: 'per-recipient', verdicts }
}

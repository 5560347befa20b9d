import type { PermanentStatus, TransientStatus } from '../mail/status.ts'
import type { Opinion } from './opinion.ts'

/**
 * One plugin's answer at one stage: a value that a hook returns. A refusal is not an exception. `Given` are the names of the
 * findings on it: `Pass` has none, `Pass<'spf'>` may have that one.
 */
export type Verdict<Given extends string = never> =
  | Pass<Given>
  | Accept<Given>
  | Defer<Given>
  | Reject<Given>
  | Quarantine<Given>
  | Discard<Given>
  | PerRecipient<Given>

/** The answer of some plugin or other: its findings have whatever names. */
export type AnyVerdict = Verdict<string>

/** Nothing to object, nothing to vouch for. */
export interface Pass<Given extends string = never> extends Opinion<Given> {
  readonly verdict: 'pass'
}

/** "I vouch for this recipient." Only at `rcpt`, only from a plugin that declares `vouches`. */
export interface Accept<Given extends string = never> extends Opinion<Given> {
  readonly verdict: 'accept'
}

interface Refusal<Given extends string> extends Opinion<Given> {
  /** What the client is told. */
  readonly text: string
  /** End the session with this reply. */
  readonly close: boolean
  /** Speak now, or remember it and speak at RCPT; the entry's explicit `refuse_at` beats it. */
  readonly at?: 'now' | 'rcpt'
}

export interface Defer<Given extends string = never> extends Refusal<Given> {
  readonly verdict: 'defer'
  readonly status: TransientStatus
}

export interface Reject<Given extends string = never> extends Refusal<Given> {
  readonly verdict: 'reject'
  readonly status: PermanentStatus
}

/** Take the message, answer 250, hold it. */
export interface Quarantine<Given extends string = never> extends Opinion<Given> {
  readonly verdict: 'quarantine'
}

/** Take the message, answer 250, keep a record and nothing else. */
export interface Discard<Given extends string = never> extends Opinion<Given> {
  readonly verdict: 'discard'
}

export type RecipientVerdict<Given extends string = never> =
  | Pass<Given>
  | Defer<Given>
  | Reject<Given>
  | Quarantine<Given>
  | Discard<Given>

/** One verdict for each recipient of the transaction, in its order. */
export interface PerRecipient<Given extends string = never> extends Opinion<Given> {
  readonly verdict: 'per-recipient'
  readonly verdicts: readonly RecipientVerdict<Given>[]
}

/** `close` ends the session; `at` says when to speak. */
export interface RefusalOptions<Given extends string = never> extends Opinion<Given> {
  readonly close?: boolean
  readonly at?: 'now' | 'rcpt'
}

const plainPass: Pass = Object.freeze({ verdict: 'pass' })

// NoInfer: what a verdict has is seen by what it is given, and not by what is expected of it.

export function pass<Given extends string = never>(opinion?: Opinion<Given>): Pass<NoInfer<Given>> {
  return opinion === undefined ? plainPass : { ...opinion, verdict: 'pass' }
}

/** Whether this is the pass that carries nothing: the common case, which costs nothing. */
export function isPlainPass(verdict: AnyVerdict): boolean {
  return verdict === plainPass
}

export function accept<Given extends string = never>(
  opinion?: Opinion<Given>,
): Accept<NoInfer<Given>> {
  return { ...opinion, verdict: 'accept' }
}

/** A temporary refusal: the client should come back. */
export function defer<Given extends string = never>(
  status: TransientStatus,
  text: string,
  options: RefusalOptions<Given> = {},
): Defer<NoInfer<Given>> {
  return { ...options, verdict: 'defer', status, text, close: options.close ?? false }
}

/** A permanent refusal. */
export function reject<Given extends string = never>(
  status: PermanentStatus,
  text: string,
  options: RefusalOptions<Given> = {},
): Reject<NoInfer<Given>> {
  return { ...options, verdict: 'reject', status, text, close: options.close ?? false }
}

export function quarantine<Given extends string = never>(
  opinion?: Opinion<Given>,
): Quarantine<NoInfer<Given>> {
  return { ...opinion, verdict: 'quarantine' }
}

export function discard<Given extends string = never>(
  opinion?: Opinion<Given>,
): Discard<NoInfer<Given>> {
  return { ...opinion, verdict: 'discard' }
}

export function perRecipient<Given extends string = never>(
  verdicts: readonly RecipientVerdict<Given>[],
  opinion?: Opinion<Given>,
): PerRecipient<NoInfer<Given>> {
  return { ...opinion, verdict: 'per-recipient', verdicts }
}

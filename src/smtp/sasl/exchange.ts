/**
 * SASL mechanisms as conversations (RFC 4422, RFC 4954 §4): what to ask next, until there is something to judge.
 * The framing in base64, `*` and `=` is the AUTH verb's; who may log in is the policy's.
 */
import { isUtf8 } from 'node:buffer'
import type { ScramKeys } from '../../mail/login-secret.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { AuthMechanism, LoginEvidence } from '../policy.ts'

export interface SaslExchange {
  readonly mechanism: AuthMechanism
  /** @param response what the client said; `undefined` at the start when AUTH came without an initial response */
  next(response: Buffer | undefined): SaslStep
}

export type SaslStep =
  | { readonly step: 'challenge'; readonly text: string }
  /** The client has said all: the policy is to judge it. */
  | { readonly step: 'login'; readonly user: string; readonly evidence: LoginEvidence }
  /** The conversation goes on with what the user's password is held against. */
  | {
      readonly step: 'secret'
      readonly user: string
      readonly proceed: (keys: ScramKeys) => SaslStep
    }
  /** No response of this mechanism. */
  | { readonly step: 'malformed' }
  /** Somebody wants to act for somebody else. */
  | { readonly step: 'not-oneself' }

/** What a mechanism may use. */
export interface SaslSurroundings {
  readonly hostname: string
  readonly clock: Clock
  readonly random: Random
}

export const malformedStep: SaslStep = Object.freeze({ step: 'malformed' })

/** The text of a response. @returns undefined where it is empty, no UTF-8, or holds a NUL */
export function readText(response: Buffer): string | undefined {
  if (response.length === 0 || !isUtf8(response) || response.includes(0)) return undefined
  return response.toString()
}

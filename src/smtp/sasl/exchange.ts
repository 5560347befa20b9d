/**
 * SASL mechanisms as conversations (RFC 4422, RFC 4954 §4): what to ask next, until there are credentials.
 * The framing in base64, `*` and `=` is the AUTH verb's; who may log in is the policy's.
 */
export interface SaslExchange {
  readonly mechanism: 'PLAIN' | 'LOGIN'
  /** @param response what the client said; `undefined` at the start when AUTH came without an initial response */
  next(response: Buffer | undefined): SaslStep
}

export type SaslStep =
  | { readonly step: 'challenge'; readonly text: string }
  | { readonly step: 'credentials'; readonly user: string; readonly password: string }
  /** No credentials of this mechanism. */
  | { readonly step: 'malformed' }
  /** Somebody wants to act for somebody else. */
  | { readonly step: 'not-oneself' }

export const malformedStep: SaslStep = Object.freeze({ step: 'malformed' })

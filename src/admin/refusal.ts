/** What the server does not do, in the words of RFC 9457; thrown where it is found, spoken at one border. */
import type { Mistake } from './schemas/shapes.ts'

export interface FieldError {
  /** A JSON pointer into what was sent. */
  readonly pointer: string
  readonly detail: string
}

/** The kinds there are, with the status and the title that each has. */
export const problems = {
  'bad-request': [400, 'The request makes no sense'],
  'not-logged-in': [401, 'Log in first'],
  'wrong-login': [401, 'The name or the password is wrong'],
  forbidden: [403, 'You may not do that'],
  csrf: [403, 'This request was not made by a page of ours'],
  'not-found': [404, 'There is no such thing'],
  'method-not-allowed': [405, 'That cannot be done here'],
  conflict: [409, 'There is one already'],
  'changed-meanwhile': [412, 'Somebody else has changed it meanwhile'],
  'too-large': [413, 'That is too large'],
  'unsupported-media-type': [415, 'Send JSON'],
  invalid: [422, 'That has mistakes'],
  'if-match-needed': [428, 'Say which version you have seen, by If-Match'],
  'too-many-requests': [429, 'Too many requests: wait'],
  internal: [500, 'That went wrong on our side'],
  unavailable: [503, 'That cannot be asked at the moment'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemKind = keyof typeof problems

export interface RefusalDetails {
  readonly errors?: readonly FieldError[]
  readonly mistakes?: readonly Mistake[]
  /** Seconds. */
  readonly retryAfter?: number
}

export class Refusal extends Error {
  readonly kind: ProblemKind
  readonly details: RefusalDetails

  constructor(kind: ProblemKind, detail?: string, details: RefusalDetails = {}) {
    super(detail ?? problems[kind][1])
    this.name = 'Refusal'
    this.kind = kind
    this.details = details
  }
}

/** What is there, or the refusal that it is not. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Refusal('not-found', `There is no ${what}`)
  return value
}

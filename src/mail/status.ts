/** Enhanced status codes (RFC 3463) and the one table that turns a ruling into a reply code. */

export type SuccessStatus = `2.${number}.${number}`
export type TransientStatus = `4.${number}.${number}`
export type PermanentStatus = `5.${number}.${number}`
export type EnhancedStatus = SuccessStatus | TransientStatus | PermanentStatus

/** The moments of a session at which plugins are asked, in order. */
export const stages = ['connect', 'hello', 'auth', 'mail', 'rcpt', 'data', 'message'] as const
export type Stage = (typeof stages)[number]

/** Objections, with the reply code each stage speaks when the status itself asks for no other. */
const objectionCodes: {
  readonly [S in Stage]: { readonly defer: number; readonly reject: number }
} = {
  connect: { defer: 421, reject: 554 },
  hello: { defer: 450, reject: 550 },
  auth: { defer: 454, reject: 535 },
  mail: { defer: 451, reject: 550 },
  rcpt: { defer: 451, reject: 550 },
  data: { defer: 451, reject: 554 },
  message: { defer: 451, reject: 550 },
}

/** Statuses that have a reply code of their own: sizes (RFC 1870), storage and recipient limits (RFC 5321 §4.2.2). */
const codesByStatus: ReadonlyMap<string, { readonly defer: number; readonly reject: number }> =
  new Map([
    ['2.2', { defer: 452, reject: 552 }],
    ['3.4', { defer: 452, reject: 552 }],
    ['3.1', { defer: 452, reject: 552 }],
    ['5.3', { defer: 452, reject: 552 }],
  ])

/** What a reply code follows from. `close` means the session ends with this reply. */
export interface Objection {
  readonly stage: Stage
  readonly status: TransientStatus | PermanentStatus
  readonly close: boolean
}

/**
 * The reply code for an objection: the only place where codes follow from rulings.
 * `close` with a temporary status is 421 (RFC 5321 §3.8), `x.3.4` and `x.2.2` are 552, `4.5.3` and `4.3.1` are 452.
 */
export function objectionCode({ stage, status, close }: Objection): number {
  const kind = status.startsWith('4') ? 'defer' : 'reject'
  if (close && kind === 'defer') return 421
  return (codesByStatus.get(status.slice(2)) ?? objectionCodes[stage])[kind]
}

/** An enhanced status code (RFC 3463 §2). */
const pattern = /^[245]\.\d{1,3}\.\d{1,3}$/

export function isSuccess(status: string): status is SuccessStatus {
  return status.startsWith('2') && pattern.test(status)
}

export function isTransient(status: string): status is TransientStatus {
  return status.startsWith('4') && pattern.test(status)
}

export function isPermanent(status: string): status is PermanentStatus {
  return status.startsWith('5') && pattern.test(status)
}

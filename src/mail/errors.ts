/** Operational errors: what can go wrong around us, each with a code from one table. Outcomes are values, not errors. */
export const errorCodes = {
  DISK_FULL: 'no space is left where the spool lies',
  DISK_FAILED: 'a file cannot be read, written or synced',
  SPOOL_LOCKED: 'another gateway uses this spool',
  SPOOL_NEWER: 'the spool was written by a newer version',
  SPOOL_CLOSED: 'the spool is closed',
  DRAFT_BUDGET: 'too many drafts are in memory',
  ADDRESS_IN_USE: 'something else listens there',
  LISTEN_FAILED: 'the address cannot be listened on',
  DNS_FAILED: 'the name server did not answer',
  CONNECT_FAILED: 'the peer cannot be reached',
  NOT_ALLOWED: 'this user may not do that',
  PEER_FAILED: 'the peer broke the connection or the protocol',
  TIMEOUT: 'a deadline passed',
  ABORTED: 'the work was called off',
  ACCOUNTS_FAILED: 'the accounts cannot be read or written',
  STORE_FAILED: 'the store does not answer',
  JOB_FAILED: 'the work could not be done in a thread of its own',
  PROGRAM_FAILED: 'the program could not be run',
  NOT_FOUND: 'there is no such thing',
  CONFIG_INVALID: 'the configuration has mistakes',
} as const

export type ErrorCode = keyof typeof errorCodes

/** An operational error. `code` is for programs, `message` for the log, `detail` what it is about, `cause` the whole story. */
export class PosternError extends Error {
  override readonly name = 'PosternError'
  readonly code: ErrorCode
  readonly detail: string | undefined

  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? errorCodes[code] : `${errorCodes[code]}: ${detail}`, options)
    this.code = code
    this.detail = detail
  }
}

export function isPosternError(error: unknown, code?: ErrorCode): error is PosternError {
  return error instanceof PosternError && (code === undefined || error.code === code)
}

/** What to say of whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The same with where it came from, for a bug that somebody must find. */
export function errorStack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/**
 * The checkpassword protocol: user, password and data on descriptor 3, each ended by a NUL, and an exit code for an answer
 * (cr.yp.to/checkpwd/interface.html).
 */

/** More than this is never read by a checkpassword program. */
export const checkpasswordMaxBytes = 512

export interface CheckpasswordLogin {
  readonly user: string
  /** The password; for CRAM-MD5 the digest in hexadecimal digits. */
  readonly password: string
  /** Nothing for a password; for APOP and CRAM-MD5 the challenge. */
  readonly data?: string
}

/** @returns undefined for what no program could read: it is nobody's login */
export function checkpasswordInput({
  user,
  password,
  data = '',
}: CheckpasswordLogin): Uint8Array | undefined {
  const fields = [user, password, data]
  if (fields.some((field) => field.includes('\0'))) return undefined
  const bytes = Buffer.from(fields.map((field) => `${field}\0`).join(''))
  return bytes.length > checkpasswordMaxBytes ? undefined : bytes
}

/** `undefined` for an exit code that is no answer: 2 (misused), 111 (temporary trouble), and all others. */
export function checkpasswordAnswer(exit: number): boolean | undefined {
  if (exit === 0) return true
  // 3 is vchkpw's word for credentials that are wrong.
  return exit === 1 || exit === 3 ? false : undefined
}

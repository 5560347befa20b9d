import type { EnhancedStatus } from './status.ts'

/** One SMTP reply (RFC 5321 §4.2): code, optional enhanced status code (RFC 2034), one line of text or several. */
export interface Reply {
  readonly code: number
  readonly status?: EnhancedStatus
  readonly lines: readonly [string, ...string[]]
}

/** What is said at once: a reply, or after a message by LMTP or PRDR several, in this order. */
export type Answer = Reply | readonly Reply[]

/** A reply of one line. */
export function reply(code: number, status: EnhancedStatus | undefined, text: string): Reply {
  return status === undefined ? { code, lines: [text] } : { code, status, lines: [text] }
}

/**
 * The reply as it goes on the wire, CRLF included. Every line carries the enhanced status code (RFC 2034 §4).
 * Whatever is not printable ASCII becomes `?`: a reply text may quote what a peer sent.
 */
export function formatReply({ code, status, lines }: Reply): string {
  const prefix = status === undefined ? '' : `${status} `
  const last = lines.length - 1
  let out = ''
  for (let i = 0; i <= last; i++)
    out += `${code}${i < last ? '-' : ' '}${prefix}${printable(lines[i] ?? '')}\r\n`
  return out
}

/** Text with everything outside printable ASCII replaced by `?`, cut at 400 characters (a reply line holds 512 bytes). */
export function printable(text: string): string {
  const cut = text.length > 400 ? `${text.slice(0, 397)}...` : text
  return /^[\x20-\x7e]*$/.test(cut) ? cut : cut.replace(/[^\x20-\x7e]/g, '?')
}

/** The replies of an answer, one after the other, as they go on the wire. */
export function formatAnswer(answer: Answer): string {
  return 'code' in answer ? formatReply(answer) : answer.map(formatReply).join('')
}

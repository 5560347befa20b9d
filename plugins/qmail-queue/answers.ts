/** What the exit code of a qmail-queue program, and its text on descriptor 4, say to the client. */
import {
  defer,
  qmailQueueCrashed,
  qmailQueueReply,
  reject,
  type Defer,
  type JsonObject,
  type PermanentStatus,
  type ProgramEnd,
  type QmailQueueReply,
  type Reject,
  type TransientStatus,
} from 'postern/plugin'

/** As qmail-smtpd keeps of descriptor 4. */
export const longestText = 254
/** With it the text on descriptor 4 is the reply. */
const exitWithText = 82

/** One line of printable ASCII: it goes to a client, and into the log. */
export function spoken(bytes: Uint8Array | undefined): string {
  const text = Buffer.from(bytes ?? []).toString('latin1')
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
}

/** @param end of a program that did not end with 0 or 1. @param text from descriptor 4, or empty */
export function refusalOf(end: ProgramEnd, text: string, evidence: JsonObject): Defer | Reject {
  const custom = 'exit' in end && end.exit === exitWithText ? customReply(text) : undefined
  const { permanent, text: said } = custom ?? replyTo(end)
  const { status, words } = statusWithin(said)
  const more = { reason: 'QMAILQUEUE_REFUSED', evidence }
  return permanent
    ? reject(isPermanent(status) ? status : '5.3.0', words, more)
    : defer(isTransient(status) ? status : '4.3.0', words, more)
}

function replyTo(end: ProgramEnd): QmailQueueReply {
  if ('signal' in end) return qmailQueueCrashed
  // Exit code 0 is no refusal: whoever asks has looked.
  return qmailQueueReply(end.exit) ?? qmailQueueCrashed
}

/** `D` and the words: for good. Another letter: not now. */
function customReply(text: string): QmailQueueReply | undefined {
  if (text.length <= 2) return undefined
  return { permanent: text.startsWith('D'), text: text.slice(1).trim() }
}

/** qmail writes the enhanced status code at the end: `… (#5.3.0)`. */
function statusWithin(text: string): { readonly status: string; readonly words: string } {
  const found = /\(#(\d\.\d{1,3}\.\d{1,3})\)$/.exec(text)
  if (found === null) return { status: '', words: text }
  const words = text.slice(0, found.index).trim()
  return { status: found[1] ?? '', words: words === '' ? 'refused' : words }
}

function isPermanent(status: string): status is PermanentStatus {
  return status.startsWith('5')
}

function isTransient(status: string): status is TransientStatus {
  return status.startsWith('4')
}

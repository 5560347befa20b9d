/** How qmail's programs write into their logs what came from outside. */
import type { JsonValue } from '../../mail/json.ts'

/** An event of the gateway's log, as far as it is read here. */
export interface HappenedEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event: string
  readonly fields: { readonly [field: string]: JsonValue | undefined }
}

/** The longest that a line quotes of what came from outside. */
const longestWord = 2_000

/** As qmail-send writes addresses and reports: one word; line ends are `/`, other bytes that are no print are `_`. */
export function oneWord(text: string): string {
  return Buffer.from(text.slice(0, longestWord))
    .toString('latin1')
    .replaceAll('\n', '/')
    .replace(/[^!-~]|%/g, '_')
}

/** As qmail-smtpd's patches and rblsmtpd write: one line; what is no print is `?`. */
export function oneLine(text: string): string {
  return Buffer.from(text.slice(0, longestWord))
    .toString('latin1')
    .replace(/[^ -~]/g, '?')
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

export function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** The number by which qmail's programs know a message; its queue id is that number in another base. */
export function messageNumber(queueId: JsonValue | undefined): number {
  const number = Number.parseInt(textOf(queueId), 36)
  return Number.isSafeInteger(number) ? number : 0
}

/** What stands where qmail has a process id: the same for all that one session says, within the range of such ids. */
export function sessionNumber(session: JsonValue | undefined): number {
  // FNV-1a; two sessions of one moment hardly ever share it.
  let hash = 0x811c9dc5
  for (const character of textOf(session)) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
  }
  return 2 + (hash % 4_194_302)
}

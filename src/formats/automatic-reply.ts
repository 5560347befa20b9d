/**
 * What autorespond says and to whom it says nothing (RFC 3834 §2): never to lists, bounces, other programs, or itself.
 * Text is one character for each byte, with LF line ends.
 */
import { readMessage, type WrittenField } from './inject/header-lines.ts'

/** Where a message must not be answered: what is said of it. `loop`: it is an answer of ours. */
export type Silence = { readonly because: string; readonly loop: boolean }

/** @returns `undefined`: it may be answered */
export function silenceFor(sender: string, fields: readonly WrittenField[]): Silence | undefined {
  const quiet = (because: string): Silence => ({ because, loop: false })
  const isDaemon = sender.toLowerCase().startsWith('mailer-daemon')
  if (isDaemon || !sender.includes('@') || sender === '#@[]') {
    return quiet(` Stopping on mail from [${sender}].`)
  }
  const values = (name: string): readonly string[] =>
    fields.flatMap((field) => (field.name === name ? [field.value.toLowerCase()] : []))
  if (values('mailing-list').length > 0 || values('list-id').length > 0) {
    return quiet("This looks like it's from a mailing list, I will ignore it.")
  }
  if (values('delivered-to').some((value) => value.includes('autoresponder'))) {
    return { because: 'This message is looping...it has my Delivered-To header.', loop: true }
  }
  const isJunk = values('precedence').some((value) => /junk|bulk|list/.test(value))
  const isAutomatic = values('auto-submitted').some((value) => !/^\s*no\b/.test(value))
  return isJunk || isAutomatic ? quiet('Junk mail received.') : undefined
}

export interface AutomaticReply {
  readonly to: string
  /** Empty: the null reverse-path. */
  readonly from: string
  /** What the owner wrote; it may begin with header fields of its own, such as Subject. */
  readonly text: string
  /** Append what is answered, without attachments. */
  readonly quote: boolean
}

/** Without Date and Message-ID. @param original what is answered */
export function automaticReply(
  { to, from, text, quote }: AutomaticReply,
  original: string,
): string {
  const { fields, rest } = readMessage(original)
  const subject = fields.find(({ name }) => name === 'subject')?.value ?? ''
  const about = `Re:${subject.replace(/\n/g, ' ')}`
  const written = readMessage(text)
  const hasHeader = written.fields.length > 0 && text.includes(`\n\n`)
  const head = hasHeader
    ? `X-Original-From: ${from}\nX-Original-Subject: ${about}\n`
    : `From: ${from}\nSubject: ${about}\n\n`
  const body = quote
    ? `-------- Original Message --------\n\n${quoted(textOf({ fields, rest }))}`
    : ''
  return (
    `Delivered-To: Autoresponder\nTo: ${to}\nAuto-Submitted: auto-replied\n` +
    `${head}${text}\n${body}\n\n`
  )
}

function quoted(text: string): string {
  return text
    .split('\n')
    .slice(0, text.endsWith('\n') ? -1 : undefined)
    .map((line) => `> ${line}\n`)
    .join('')
}

interface Whole {
  readonly fields: readonly WrittenField[]
  /** From the empty line on. */
  readonly rest: string
}

/** The body; of a body in parts, the first that is plain text. */
function textOf({ fields, rest }: Whole): string {
  const type = fields.find(({ name }) => name === 'content-type')?.value ?? ''
  const [, quotedMark, plainMark] = /boundary=(?:"([^"]*)"|([^\s;]+))/i.exec(type) ?? []
  const mark = quotedMark ?? plainMark
  const body = rest.slice(1)
  if (mark === undefined || mark === '') return body
  for (const part of `\n${body}`.split(`\n--${mark}`).slice(1)) {
    if (part.startsWith('--')) break
    const inside = readMessage(part.slice(part.indexOf('\n') + 1))
    const kind = inside.fields.find(({ name }) => name === 'content-type')?.value ?? 'text/plain'
    if (kind.toLowerCase().includes('text/plain')) return inside.rest.slice(1)
  }
  return ''
}

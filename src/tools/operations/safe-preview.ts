/** A message to be looked at: its header, its text as plain text, and what is attached, by name and size. */
import type { Attachment, HeldDetails } from '../../admin/schemas/quarantine.ts'
import { decodeWords } from '../../mail/encoded-words.ts'
import { fieldText } from '../../mail/header-field.ts'
import type { Message } from '../../mail/message.ts'
import { decodeText } from '../../mail/mime/charset.ts'
import { contentOf } from '../../mail/mime/content.ts'
import type { MimePart } from '../../mail/mime/tree.ts'
import { htmlText } from './html-text.ts'

export type Preview = Pick<HeldDetails, 'headers' | 'text' | 'textFrom' | 'textCut' | 'attachments'>

const mostFields = 100
const mostValue = 2_000
const mostTextBytes = 262_144
const mostText = 100_000
const mostAttachments = 200

/** @throws PosternError DISK_FAILED, ABORTED */
export async function safePreview(message: Message, signal?: AbortSignal): Promise<Preview> {
  const headers = message.header.fields
    .slice(0, mostFields)
    .flatMap(({ name, value }) =>
      name === ''
        ? []
        : [{ name: shown(name), value: shown(decodeWords(value.slice(0, mostValue))) }],
    )
  const { parts } = (await message.mime(signal)).readings[0]
  const leaves = parts.filter((part) => !part.container)
  const body =
    leaves.find((part) => isText(part, 'text/plain')) ??
    leaves.find((part) => isText(part, 'text/html'))
  const attachments = leaves
    .filter((part) => part !== body && !(isText(part, 'text/html') && body !== undefined))
    .slice(0, mostAttachments)
    .map((part) => attachmentOf(part, parts))
  if (body === undefined) return { headers, attachments, textCut: false }
  const bytes = await contentOf(message, body, { maxBytes: mostTextBytes })
  const decoded = decodeText(bytes, body.charset)
  const text = body.type === 'text/html' ? htmlText(decoded) : decoded
  return {
    headers,
    attachments,
    text: withoutControls(text.slice(0, mostText)),
    textFrom: body.type === 'text/html' ? 'html' : 'plain',
    textCut: bytes.length >= mostTextBytes || text.length > mostText,
  }
}

function isText({ type, disposition }: MimePart, wanted: string): boolean {
  return type === wanted && disposition !== 'attachment'
}

function attachmentOf(part: MimePart, parts: readonly MimePart[]): Attachment {
  const [name] = part.fileNames
  const encoded = part.encodings[0] === 'base64' ? 3 / 4 : 1
  return {
    part: placeOf(part, parts),
    ...(name === undefined ? {} : { name: shown(name).slice(0, 255) }),
    type: shown(part.type).slice(0, 100),
    sizeBytes: Math.floor(part.bodyRange.length * encoded),
  }
}

/** As IMAP numbers parts: 1, 1.2 … */
function placeOf(part: MimePart, parts: readonly MimePart[]): string {
  const siblings = parts.filter(({ parent }) => parent === part.parent)
  const own = String(siblings.indexOf(part) + 1)
  const above = parts[part.parent]
  return above === undefined || above.parent < 0 ? own : `${placeOf(above, parts)}.${own}`
}

function shown(text: string): string {
  return fieldText(text)
}

/** Controls but the tab and the line end, and what turns the direction of writing. */
const unseen = /[[\p{Cc}\u202a-\u202e\u2066-\u2069]--[\t\n]]/gv

function withoutControls(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(unseen, '')
}

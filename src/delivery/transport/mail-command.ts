/** MAIL and RCPT for a next hop, with the parameters that it knows (RFC 1870, 3461, 4954 §5, 6152, 6531, 8689). */
import { formatMailbox, formatPath } from '../../mail/address.ts'
import type { Envelope, Recipient, ReversePath } from '../../mail/envelope.ts'
import type { Message } from '../../mail/message.ts'
import type { Extensions } from './extensions.ts'

/** How the message goes out: what BODY and SMTPUTF8 say of it. */
export interface MailForm {
  readonly body: '7bit' | '8bitmime' | 'binarymime'
  readonly smtputf8: boolean
}

export interface MailCommand {
  readonly extensions: Extensions
  /** Who we have logged in as. */
  readonly user?: string | undefined
  readonly form: MailForm
  readonly reversePath: ReversePath
  readonly envelope: Envelope
  readonly message: Message
}

const bodies = { '7bit': '', '8bitmime': ' BODY=8BITMIME', binarymime: ' BODY=BINARYMIME' } as const

export function mailCommand(command: MailCommand): string {
  const { extensions, user, form, reversePath, envelope, message } = command
  const { returnContent, envelopeId, requireTls } = envelope
  let line = `MAIL FROM:${formatPath(reversePath)}`
  if (extensions.has('SIZE')) line += ` SIZE=${message.sizeBytes}`
  line += bodies[form.body]
  if (form.smtputf8) line += ' SMTPUTF8'
  if (requireTls && extensions.has('REQUIRETLS')) line += ' REQUIRETLS'
  if (extensions.has('DSN')) {
    if (returnContent !== undefined) line += ` RET=${returnContent === 'full' ? 'FULL' : 'HDRS'}`
    if (envelopeId !== undefined) line += ` ENVID=${xtext(envelopeId)}`
  }
  if (user !== undefined) line += ` AUTH=${xtext(user)}`
  return line
}

export function rcptCommand(recipient: Recipient, extensions: Extensions): string {
  const { mailbox, notify, originalRecipient } = recipient
  let line = `RCPT TO:<${formatMailbox(mailbox)}>`
  if (!extensions.has('DSN')) return line
  if (notify !== undefined && notify.length > 0) line += ` NOTIFY=${notify.join(',').toUpperCase()}`
  const original = originalRecipient === undefined ? undefined : typedXtext(originalRecipient)
  if (original !== undefined) line += ` ORCPT=${original}`
  return line
}

/** `type;address` for ORCPT. An address outside ASCII has the form of RFC 6533 §3, which everybody can pass on. */
function typedXtext(original: string): string | undefined {
  const [, type, address] = /^([\w-]+);(.+)$/su.exec(original) ?? []
  if (type === undefined || address === undefined) return undefined
  if (!/\P{ASCII}/u.test(address)) return `${type};${xtext(address)}`
  const escaped = address.replace(
    /[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]/gu,
    (character) => `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`,
  )
  return `utf-8;${escaped}`
}

/** RFC 3461 §4, over the UTF-8 octets. */
export function xtext(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte)
    const plain = byte > 0x20 && byte < 0x7f && char !== '+' && char !== '='
    out += plain ? char : `+${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

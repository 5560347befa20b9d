/** An envelope as a small JSON tuple: `[reverse-path, recipients, body type, flags, envelope id, return content, user, origin]`; 0 is absent. */
import type { Mailbox } from '../mail/address.ts'
import type { BodyType, Envelope, MessageOrigin, Recipient } from '../mail/envelope.ts'
import type { JsonValue } from '../mail/json.ts'
import { countOf, listOf, nameAt, optional, textOf } from './json-shape.ts'

const bodyTypes: readonly BodyType[] = ['7bit', '8bitmime', 'binarymime']
const notifications = ['never', 'success', 'failure', 'delay'] as const
const protocols = ['SMTP', 'ESMTP'] as const
const returnContents = ['full', 'headers'] as const

const smtputf8Flag = 1
const requireTlsFlag = 2

export function encodeEnvelope(envelope: Envelope): JsonValue {
  const { reversePath, recipients, bodyType, returnContent } = envelope
  const flags = (envelope.smtputf8 ? smtputf8Flag : 0) | (envelope.requireTls ? requireTlsFlag : 0)
  return [
    reversePath === null ? 0 : encodeMailbox(reversePath),
    recipients.map(encodeRecipient),
    bodyTypes.indexOf(bodyType),
    flags,
    envelope.envelopeId ?? 0,
    returnContent === undefined ? 0 : [returnContents.indexOf(returnContent)],
    envelope.user ?? 0,
    ...(envelope.origin === undefined ? [] : [encodeOrigin(envelope.origin)]),
  ]
}

/** @throws TypeError on any other shape */
export function decodeEnvelope(value: JsonValue): Envelope {
  const [reversePath, recipients, bodyType, flagBits, id, content, login, from = 0] = listOf(value)
  const flags = countOf(flagBits)
  const envelopeId = optional(id, textOf)
  const returnContent = optional(content, (list) => nameAt(returnContents, listOf(list)[0]))
  const user = optional(login, textOf)
  const origin = optional(from, decodeOrigin)
  return {
    reversePath: optional(reversePath, decodeMailbox) ?? null,
    recipients: listOf(recipients).map(decodeRecipient),
    bodyType: nameAt(bodyTypes, bodyType),
    smtputf8: (flags & smtputf8Flag) !== 0,
    requireTls: (flags & requireTlsFlag) !== 0,
    ...(envelopeId === undefined ? {} : { envelopeId }),
    ...(returnContent === undefined ? {} : { returnContent }),
    ...(user === undefined ? {} : { user }),
    ...(origin === undefined ? {} : { origin }),
  }
}

/** Of an envelope only what a line of the log says. */
export function envelopeHead(value: JsonValue): {
  readonly reversePath: Mailbox | null
  readonly recipients: number
} {
  const [reversePath, recipients] = listOf(value)
  return {
    reversePath: optional(reversePath, decodeMailbox) ?? null,
    recipients: listOf(recipients).length,
  }
}

function encodeOrigin({ address, port, protocol, name, hello }: MessageOrigin): JsonValue {
  return [address, port, protocols.indexOf(protocol), name ?? 0, hello ?? 0]
}

function decodeOrigin(value: JsonValue): MessageOrigin {
  const [address, port, protocol, hostName, greeting] = listOf(value)
  const name = optional(hostName, textOf)
  const hello = optional(greeting, textOf)
  return {
    address: textOf(address),
    port: countOf(port),
    protocol: nameAt(protocols, protocol),
    ...(name === undefined ? {} : { name }),
    ...(hello === undefined ? {} : { hello }),
  }
}

/** What could not be read again is never written. @throws TypeError */
function encodeMailbox({ localPart, domain }: Mailbox): JsonValue {
  return [textOf(localPart), textOf(domain)]
}

function decodeMailbox(value: JsonValue): Mailbox {
  const [localPart, domain] = listOf(value)
  return { localPart: textOf(localPart), domain: textOf(domain) }
}

function encodeRecipient({ mailbox, notify, originalRecipient }: Recipient): JsonValue {
  const localPart = textOf(mailbox.localPart)
  const domain = textOf(mailbox.domain)
  if (notify === undefined && originalRecipient === undefined) return [localPart, domain]
  return [
    localPart,
    domain,
    notify === undefined ? 0 : notify.map((name) => notifications.indexOf(name)),
    originalRecipient ?? 0,
  ]
}

function decodeRecipient(value: JsonValue): Recipient {
  const [localPart, domain, notifyList = 0, original = 0] = listOf(value)
  const mailbox = { localPart: textOf(localPart), domain: textOf(domain) }
  const notify = optional(notifyList, (list) =>
    listOf(list).map((number) => nameAt(notifications, number)),
  )
  const originalRecipient = optional(original, textOf)
  return {
    mailbox,
    ...(notify === undefined ? {} : { notify }),
    ...(originalRecipient === undefined ? {} : { originalRecipient }),
  }
}

/**
 * Delivery by QMTP (D. J. Bernstein, 1997) to a server that the operator names, qmail's qmail-qmtpd for instance: message,
 * sender and all recipients at once, and an answer for each. There is no TLS in it, so mail that asks for TLS does not go
 * this way. A server that can not be reached is a trouble of ours: it defers. Never throws for what a peer or the DNS did.
 */
import { netstring } from '../../formats/netstring.ts'
import { formatPlainAddress } from '../../formats/qmail-address.ts'
import { latin1Bytes } from '../../formats/octets.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Recipient } from '../../mail/envelope.ts'
import type { Message } from '../../mail/message.ts'
import { printable } from '../../mail/reply.ts'
import type { QmtpRoute } from '../../mail/route.ts'
import { isPermanent, isTransient } from '../../mail/status.ts'
import { reversePathFor, verpBase } from '../../mail/verp.ts'
import type { Delivery, Transport } from '../transport.ts'
import { DataEncoder } from './data-encoder.ts'
import { trouble, type Hop } from './hop-result.ts'
import { addressesOf, isIpv6 } from './mail-exchangers.ts'
import { demandsTls } from './mail-form.ts'
import { QmtpClient, type QmtpAnswer } from './qmtp-client.ts'
import { outgoing, type SmtpOptions } from './smtp.ts'
import type { OutgoingSettings } from './smtp-reach.ts'

export type QmtpOptions = Pick<SmtpOptions, 'net' | 'dns' | 'clock' | 'random' | 'settings'>

export function qmtpTransport(options: QmtpOptions): Transport<QmtpRoute> {
  return {
    async deliver(delivery, signal) {
      const tried = await tryQmtp(options, delivery, signal)
      return 'results' in tried ? tried.results : delivery.recipients.map(() => tried.why)
    },
  }
}

/** What the server said of each recipient; or why it has heard nothing of the message. */
export type TriedQmtp =
  | { readonly results: readonly DeliveryResult[] }
  | { readonly why: DeliveryResult }

export async function tryQmtp(
  options: QmtpOptions,
  delivery: Delivery<QmtpRoute>,
  signal: AbortSignal,
): Promise<TriedQmtp> {
  const settings = outgoing(options.settings())
  const unfit = unfitFor(delivery, settings)
  if (unfit !== undefined) return { why: unfit }
  const reached = await reach(options, { delivery, settings, signal })
  if ('result' in reached) return { why: reached.result }
  try {
    return { results: await sendPackets({ delivery, settings, ...reached }) }
  } finally {
    reached.client.close()
  }
}

/** What this protocol can not carry, or what must not go without TLS. */
function unfitFor(
  { envelope, route }: Delivery<QmtpRoute>,
  { tlsPolicy }: OutgoingSettings,
): DeliveryResult | undefined {
  const { host } = route
  if (demandsTls(envelope)) {
    const text = `${host} is reached by QMTP, which has no TLS, and this message requires it`
    return { outcome: 'failed', status: '5.7.30', text }
  }
  if (envelope.bodyType === 'binarymime') {
    return { outcome: 'failed', status: '5.6.3', text: 'QMTP has lines, this message is binary' }
  }
  const level = tlsPolicy(host, host)?.level
  if (level !== 'encrypt' && level !== 'verify') return undefined
  const text = `No secure session with ${host}: QMTP has no TLS`
  return { outcome: 'deferred', status: '4.7.5', text }
}

interface Journey {
  readonly delivery: Delivery<QmtpRoute>
  readonly settings: OutgoingSettings
  readonly signal: AbortSignal
}

interface Reached {
  readonly client: QmtpClient
  readonly hop: Hop
}

/** However many addresses there are. */
const mostConnections = 5

/** The first host that lets us connect. */
async function reach(
  { net, dns, clock, random }: QmtpOptions,
  { delivery: { route }, settings, signal }: Journey,
): Promise<Reached | { readonly result: DeliveryResult }> {
  const { families, timeouts } = settings
  let result: DeliveryResult = nowhere
  let left = mostConnections
  for (const { host: name, port } of [route, ...(route.others ?? [])]) {
    const to = { lookup: 'host', host: name } as const
    // oxlint-disable-next-line no-await-in-loop -- the next only where this one fails
    const addresses = await addressesOf(name, to, { dns, random, signal, families })
    if (addresses.found === undefined) result = addresses.result
    for (const address of addresses.found ?? []) {
      if (signal.aborted || left-- === 0) return { result }
      const hop = { name, address, to: { host: address, port } }
      const source = settings.sourceAddresses.find((own) => isIpv6(own) === isIpv6(address))
      const local = source === undefined ? {} : { localAddress: source }
      const { connectMs } = timeouts
      try {
        // oxlint-disable-next-line no-await-in-loop -- as above
        const client = await QmtpClient.connect({
          net,
          clock,
          connectMs,
          signal,
          to: hop.to,
          ...local,
        })
        return { client, hop }
      } catch (error) {
        result = trouble(hop, error)
      }
    }
  }
  return { result }
}

const nowhere: DeliveryResult = {
  outcome: 'deferred',
  status: '4.4.1',
  text: 'The QMTP server has no address',
}

interface Sending extends Reached {
  readonly delivery: Delivery<QmtpRoute>
  readonly settings: OutgoingSettings
}

/** As many packets as the limit of recipients makes of it, one after the other; for VERP one for each. */
async function sendPackets(sending: Sending): Promise<readonly DeliveryResult[]> {
  const { recipients, envelope } = sending.delivery
  const maxRecipients =
    verpBase(envelope.reversePath) === undefined ? sending.settings.maxRecipients : 1
  const results: DeliveryResult[] = []
  for (let from = 0; from < recipients.length; from += maxRecipients) {
    // oxlint-disable-next-line no-await-in-loop -- what one packet came to decides whether the next is sent
    results.push(...(await sendPacket(sending, recipients.slice(from, from + maxRecipients))))
  }
  return results
}

async function sendPacket(
  { client, hop, delivery, settings }: Sending,
  recipients: readonly Recipient[],
): Promise<readonly DeliveryResult[]> {
  const { message, envelope } = delivery
  const { blockMs, acceptMs } = settings.timeouts
  const results: DeliveryResult[] = []
  let step = 'the message'
  try {
    // Lines end in CR LF, as its first byte says; what stands alone is mended as it is for every next hop.
    const encoder = new DataEncoder({ stuffing: false })
    await client.write(Buffer.from(`${(await encodedBytes(message)) + 1}:\r`), blockMs)
    for await (const chunk of message.read()) await client.write(encoder.encode(chunk), blockMs)
    await client.write(encoder.end(), blockMs)
    client.assertPatient()
    step = 'the end of the message, which it may have taken all the same'
    const [first] = recipients
    const { reversePath } = envelope
    const own = first === undefined ? reversePath : reversePathFor(reversePath, first.mailbox)
    const sender = latin1Bytes(formatPlainAddress(own))
    const list = recipients.map(({ mailbox }) =>
      netstring(latin1Bytes(formatPlainAddress(mailbox))),
    )
    await client.write(
      Buffer.concat([Buffer.from(','), netstring(sender), netstring(...list)]),
      blockMs,
    )
    while (results.length < recipients.length) {
      // oxlint-disable-next-line no-await-in-loop -- one answer after the other
      results.push(resultOf(hop, await client.read(acceptMs)))
    }
    return results
  } catch (error) {
    const rest = trouble(hop, error, step)
    return recipients.map((_, index) => results[index] ?? rest)
  }
}

/** Its length is said before it: one octet stays one octet, but for the line end that the last line may lack. */
async function encodedBytes(message: Message): Promise<number> {
  const { sizeBytes } = message
  if (sizeBytes === 0) return 0
  const offset = Math.max(0, sizeBytes - 2)
  const end: Uint8Array[] = []
  for await (const chunk of message.read({ offset, length: sizeBytes - offset })) end.push(chunk)
  return Buffer.concat(end).toString('latin1') === '\r\n' ? sizeBytes : sizeBytes + 2
}

const statusAtEnd = /\(#([45]\.\d{1,3}\.\d{1,3})\)\s*$/

/** qmail writes the enhanced status code behind its words. */
function resultOf({ name, address }: Hop, { letter, text }: QmtpAnswer): DeliveryResult {
  const remote = name === address ? `[${address}]` : `${name} (${address})`
  const said = { text: printable(text), remote }
  const status = statusAtEnd.exec(text)?.[1] ?? ''
  switch (letter) {
    case 'K':
      return { outcome: 'delivered', status: '2.0.0', ...said, relayed: 'without-dsn' }
    case 'Z':
      return { outcome: 'deferred', status: isTransient(status) ? status : '4.0.0', ...said }
    case 'D':
      return { outcome: 'failed', status: isPermanent(status) ? status : '5.0.0', ...said }
  }
}

/** What the sender is told of a message that waited in a Maildir and failed. */
import type { BounceSettings } from '../delivery/bounce.ts'
import type { Mailbox } from '../mail/address.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import { buildDsn } from '../mail/dsn.ts'
import type { Instant } from '../mail/instant.ts'
import { systemRandom } from '../runtime/node/random.ts'
import type { SerialMail } from './serial-maildir.ts'

export interface SerialBounce {
  readonly to: Mailbox
  readonly dsn: ReturnType<typeof buildDsn>
}

type Settings = Pick<BounceSettings, 'hostname' | 'from' | 'doubleBounceTo' | 'format' | 'maxBytes'>

/** From nobody; what bounces for nobody goes to the postmaster. @returns undefined where nobody is to be told */
export async function serialBounce(
  { message, envelope, arrivedAt }: SerialMail,
  result: DeliveryResult,
  { settings, now }: { readonly settings: Settings; readonly now: Instant },
): Promise<SerialBounce | undefined> {
  const { hostname, from, doubleBounceTo, format, maxBytes } = settings
  const to = envelope.reversePath ?? doubleBounceTo
  const [recipient] = envelope.recipients
  if (to === undefined || recipient === undefined) return undefined
  const { bodyOffset, sizeBytes } = message
  const header = await bytesOf(message.read({ offset: 0, length: bodyOffset }))
  const range = { offset: bodyOffset, length: sizeBytes - bodyOffset }
  const body = sizeBytes <= maxBytes ? { body: [await bytesOf(message.read(range))] } : {}
  const facts = {
    id: `serial-${Buffer.from(systemRandom.bytes(12)).toString('hex')}`,
    at: now,
    hostname,
    from,
    to,
    envelope,
    arrivedAt,
    recipients: [{ recipient, result }],
    original: { header, ...body },
  } as const
  return { to, dsn: buildDsn(facts, format) }
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(chunks))
}

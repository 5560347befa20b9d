/**
 * What a next hop said or did, as a result. `remote` stands only beside the hop's own words;
 * where the words are ours, they name its address themselves.
 */
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { isPosternError } from '../../mail/errors.ts'
import { printable } from '../../mail/reply.ts'
import type { ConnectOptions } from '../../runtime/net.ts'
import {
  permanentStatus,
  quoteReply,
  successStatus,
  transientStatus,
  type HopReply,
} from './reply-reader.ts'

/** The next hop that is spoken to. */
export interface Hop {
  /** Its name, or its address where the route has no name. */
  readonly name: string
  /** Its IP address, or the path of its socket. */
  readonly address: string
  readonly to: ConnectOptions['address']
  /** TLS before the greeting. */
  readonly implicitTls?: boolean
}

/** The answer to the final dot: 2xx has taken it. `tlsFailure`: why it went in the clear. */
export function answer(
  hop: Hop,
  reply: HopReply,
  {
    relayed,
    tlsFailure,
  }: {
    readonly relayed?: 'with-dsn' | 'without-dsn' | undefined
    readonly tlsFailure?: string | undefined
  } = {},
): DeliveryResult {
  if (!saysYes(reply)) return refusal(hop, reply)
  const said = { status: successStatus(reply), text: quoteReply(reply), remote: named(hop) }
  return {
    outcome: 'delivered',
    ...said,
    ...(relayed === undefined ? {} : { relayed }),
    ...(tlsFailure === undefined ? {} : { note: `In the clear, for TLS failed: ${tlsFailure}` }),
  }
}

export function saysYes({ code }: HopReply): boolean {
  return code >= 200 && code < 300
}

/** 5xx fails, 4xx defers, and what does not fit the question defers too. */
export function refusal(hop: Hop, reply: HopReply): DeliveryResult {
  const said = { text: quoteReply(reply), remote: named(hop) }
  if (reply.code >= 500) return { outcome: 'failed', status: permanentStatus(reply), ...said }
  if (reply.code >= 400) return { outcome: 'deferred', status: transientStatus(reply), ...said }
  return { outcome: 'deferred', status: '4.5.0', ...said }
}

/**
 * The answer to MAIL or RCPT. Where the login of the route did not come about, what it might have spared is no verdict
 * on the mail. @param noLogin why it did not
 */
export function refusalAtEnvelope(
  hop: Hop,
  reply: HopReply,
  noLogin: string | undefined,
): DeliveryResult {
  const refused = refusal(hop, reply)
  if (noLogin === undefined || refused.outcome !== 'failed' || !asksForLogin(reply)) return refused
  const text = `${hop.address}, where we could not log in (${noLogin}), said:\n${quoteReply(reply)}`
  return { outcome: 'deferred', status: '4.7.0', text }
}

/** RFC 4954 §6, or any security or policy status. */
function asksForLogin(reply: HopReply): boolean {
  return reply.code === 530 || permanentStatus(reply).startsWith('5.7.')
}

/** The same where nothing of the message was mentioned yet: no refusal is about the message, so all defer. */
export function turnedAway(hop: Hop, step: string, reply: HopReply): DeliveryResult {
  const text = `${hop.address} turned us away at ${step} and said:\n${quoteReply(reply)}`
  return { outcome: 'deferred', status: reply.code < 500 ? transientStatus(reply) : '4.3.2', text }
}

/** Encryption that the policy demands was not to be had there. `why`: printable, in one line or several. */
export function notSecure(hop: Hop, why: string): DeliveryResult {
  return {
    outcome: 'deferred',
    status: '4.7.5',
    text: `No secure session with ${hop.address}: ${why}`,
  }
}

/**
 * The result of trouble on the way. `step`: how far it was, in words; absent before MAIL.
 * @throws the error itself where it is a bug and no trouble
 */
export function trouble(hop: Hop, error: unknown, step?: string): DeliveryResult {
  if (!isPosternError(error)) throw error
  const what = printable(error.message)
  if (error.code === 'DISK_FAILED') {
    return { outcome: 'deferred', status: '4.3.0', text: `The message can not be read: ${what}` }
  }
  return step === undefined
    ? { outcome: 'deferred', status: '4.4.1', text: `No session with ${hop.address}: ${what}` }
    : { outcome: 'deferred', status: '4.4.2', text: `${hop.address}, at ${step}: ${what}` }
}

/** `mx.example.net (192.0.2.1)`, or `[192.0.2.1]`: fit for Remote-MTA (RFC 3464 §2.3.5). */
function named({ name, address }: Hop): string {
  return name === address ? `[${address}]` : `${name} (${address})`
}

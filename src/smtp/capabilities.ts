import type { Reply } from '../mail/reply.ts'
import type { Session } from '../mail/session.ts'
import type { ReceiverSettings } from './policy.ts'
import { xclientAttributes, xforwardAttributes } from './xclient.ts'

/** Whether AUTH may be tried now: not in the clear unless the settings say so (RFC 4954 §4). */
export function offersAuth(session: Session, settings: ReceiverSettings): boolean {
  return settings.mechanisms.length > 0 && (session.tls !== undefined || settings.authWithoutTls)
}

/**
 * What EHLO says we can do (RFC 5321 §4.1.1.1).
 * @param canStartTls there is a certificate
 * @param peer who is at the other end of the connection, for whomever it speaks
 */
export function capabilities(
  session: Session,
  settings: ReceiverSettings,
  canStartTls: boolean,
  peer: string,
): Reply {
  const lines: [string, ...string[]] = [
    settings.hostname,
    'PIPELINING',
    `SIZE ${settings.maxMessageBytes}`,
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
  ]
  if (canStartTls && settings.starttls !== 'off' && session.tls === undefined) {
    lines.push('STARTTLS')
  }
  if (offersAuth(session, settings)) lines.push(`AUTH ${settings.mechanisms.join(' ')}`)
  if (settings.xclientNetworks?.has(peer) === true) {
    lines.push(`XCLIENT ${xclientAttributes.join(' ')}`)
  }
  if (settings.xforwardNetworks?.has(peer) === true) {
    lines.push(`XFORWARD ${xforwardAttributes.join(' ')}`)
  }
  lines.push('HELP')
  return { code: 250, lines }
}

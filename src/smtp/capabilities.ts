import type { Reply } from '../mail/reply.ts'
import type { Session } from '../mail/session.ts'
import type { ReceiverSettings } from './policy.ts'

/** Whether AUTH may be tried now: not in the clear unless the settings say so (RFC 4954 §4). */
export function offersAuth(session: Session, settings: ReceiverSettings): boolean {
  return settings.mechanisms.length > 0 && (session.tls !== undefined || settings.authWithoutTls)
}

/** ETRN is for clients that were named: everybody else could have the whole queue tried, over and over. */
export function offersEtrn({ remote }: Session, { etrnClients }: ReceiverSettings): boolean {
  return etrnClients.has(remote.address)
}

/** What EHLO says we can do (RFC 5321 §4.1.1.1); `canStartTls`: there is a certificate. */
export function capabilities(
  session: Session,
  settings: ReceiverSettings,
  canStartTls: boolean,
): Reply {
  const lines: [string, ...string[]] = [
    settings.hostname,
    'PIPELINING',
    `SIZE ${settings.maxMessageBytes}`,
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
  ]
  if (settings.prdr) lines.push('PRDR')
  if (offersEtrn(session, settings)) lines.push('ETRN')
  if (canStartTls && settings.starttls !== 'off' && session.tls === undefined) {
    lines.push('STARTTLS')
  }
  if (offersAuth(session, settings)) lines.push(`AUTH ${settings.mechanisms.join(' ')}`)
  lines.push('HELP')
  return { code: 250, lines }
}

import type { Extension } from '../mail/extensions.ts'
import type { Reply } from '../mail/reply.ts'
import type { Session } from '../mail/session.ts'
import type { ReceiverSettings } from './policy.ts'

/** On what it depends what a client is offered. */
export interface Circumstances {
  readonly session: Session
  readonly settings: ReceiverSettings
  /** There is a certificate. */
  readonly canStartTls: boolean
}

/** Whether an extension is offered now. One that is not is not understood either. */
export function offers(
  extension: Extension,
  { session, settings, canStartTls }: Circumstances,
): boolean {
  if (settings.extensionsOff.includes(extension)) return false
  switch (extension) {
    // RFC 4954 §4: not in the clear unless the settings say so.
    case 'AUTH':
      return (
        settings.mechanisms.length > 0 && (session.tls !== undefined || settings.authWithoutTls)
      )
    case 'STARTTLS':
      return canStartTls && settings.starttls !== 'off' && session.tls === undefined
    // For clients that were named: everybody else could have the whole queue tried, over and over.
    case 'ETRN':
      return settings.etrnClients.has(session.remote.address)
    case 'PRDR':
      return settings.prdr
    // RFC 8689 §2: only under TLS.
    case 'REQUIRETLS':
      return session.tls !== undefined
    default:
      return true
  }
}

/** What EHLO says we can do (RFC 5321 §4.1.1.1). */
export function capabilities(circumstances: Circumstances): Reply {
  const { settings } = circumstances
  const lines: [string, ...string[]] = [settings.hostname]
  const offer = (extension: Extension, parameters = ''): void => {
    if (offers(extension, circumstances)) lines.push(`${extension}${parameters}`)
  }
  offer('PIPELINING')
  offer('SIZE', ` ${settings.maxMessageBytes}`)
  offer('8BITMIME')
  offer('SMTPUTF8')
  offer('ENHANCEDSTATUSCODES')
  offer('CHUNKING')
  offer('DSN')
  offer('LIMITS', ` RCPTMAX=${settings.maxRecipients}`)
  offer('REQUIRETLS')
  offer('PRDR')
  offer('ETRN')
  offer('STARTTLS')
  offer('AUTH', ` ${settings.mechanisms.join(' ')}`)
  lines.push('HELP')
  return { code: 250, lines }
}

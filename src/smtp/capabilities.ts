import type { Extension } from '../mail/extensions.ts'
import type { Reply } from '../mail/reply.ts'
import type { Session } from '../mail/session.ts'
import type { ReceiverSettings } from './policy.ts'
import { xclientAttributes, xforwardAttributes } from './xclient.ts'

/** On what it depends what a client is offered. */
export interface Circumstances {
  readonly session: Session
  readonly settings: ReceiverSettings
  /** There is a certificate. */
  readonly canStartTls: boolean
  /** The address at the other end of the connection, for whomever it speaks. */
  readonly peer: string
}

/** Whether an extension is offered now. One that is not is not understood either. */
export function offers(
  extension: Extension,
  { session, settings, canStartTls, peer }: Circumstances,
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
    // Without chunks there is no way to send it.
    case 'BINARYMIME':
      return settings.binaryMime && !settings.extensionsOff.includes('CHUNKING')
    // RFC 8689 §2: only under TLS.
    case 'REQUIRETLS':
      return session.tls !== undefined
    // Whom we trust is decided by who connected, whatever was claimed since.
    case 'XCLIENT':
      return settings.xclientNetworks?.has(peer) === true
    case 'XFORWARD':
      return settings.xforwardNetworks?.has(peer) === true
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
  offer('BINARYMIME')
  offer('DSN')
  offer('LIMITS', ` RCPTMAX=${settings.maxRecipients}`)
  offer('REQUIRETLS')
  offer('PRDR')
  offer('ETRN')
  offer('STARTTLS')
  offer('AUTH', ` ${settings.mechanisms.join(' ')}`)
  offer('XCLIENT', ` ${xclientAttributes.join(' ')}`)
  offer('XFORWARD', ` ${xforwardAttributes.join(' ')}`)
  lines.push('HELP')
  return { code: 250, lines }
}

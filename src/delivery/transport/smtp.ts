/**
 * Delivery to another SMTP server: over a session that still waits from an earlier message, else over a new one with
 * the first host that lets us say MAIL; then as many transactions as the recipients need. What is said after MAIL is
 * the answer. Never throws for what a peer or the DNS did.
 */
import type { Message } from '../../mail/message.ts'
import type { SmtpRoute } from '../../mail/route.ts'
import type { Delivery, Transport } from '../transport.ts'
import { demandsTls } from './mail-form.ts'
import { mailAll } from './mailing.ts'
import { SessionPool, type PoolLimits } from './session-pool.ts'
import { reach, suits, type Journey, type OutgoingSettings, type ReachDoors } from './smtp-reach.ts'
import { defaultSmtpTimeouts, type SmtpTimeouts } from './smtp-timeouts.ts'
import type { Source } from './xforward.ts'

export interface SmtpOptions extends ReachDoors {
  /** Asked for each delivery. */
  readonly settings: () => SmtpSettings
  readonly pool?: () => Partial<PoolLimits>
}

/** What is left out has its default. */
export type SmtpSettings = Pick<OutgoingSettings, 'helloName'> &
  Partial<Omit<OutgoingSettings, 'timeouts'>> & { readonly timeouts?: Partial<SmtpTimeouts> }

/** What every server must take in one transaction (RFC 5321 §4.5.3.1.8). */
const maxRecipients = 100

export function smtpTransport(options: SmtpOptions): Transport<SmtpRoute> {
  const { clock } = options
  const pool = new SessionPool(clock, options.pool)
  return {
    deliver({ queueId, route, message, envelope, recipients }, signal) {
      const settings = outgoing(options.settings())
      const requireTls = demandsTls(envelope)
      const tlsOptional = !envelope.requireTls && saysTlsIsOptional(message)
      const journey = { route, settings, signal, requireTls, tlsOptional }
      return mailAll(
        {
          message,
          envelope,
          recipients,
          ...sourceFor(route.host, settings, { queueId, envelope }),
        },
        {
          pool,
          key: reuseKey(journey),
          suits: (session) => suits(session, options, journey),
          open: () => reach(options, journey),
          signal,
          eightBit: settings.eightBit,
          timeouts: settings.timeouts,
          maxRecipients: Math.min(settings.maxRecipients, maxRecipients),
        },
      )
    },
    close: () => pool.close(),
  }
}

/** Told to those only whom the operator names. */
export function sourceFor(
  host: string,
  { tellsSource }: Pick<OutgoingSettings, 'tellsSource'>,
  { queueId, envelope: { origin } }: Pick<Delivery, 'queueId' | 'envelope'>,
): { readonly source?: Source } {
  return tellsSource(host) ? { source: { queueId, origin } } : {}
}

/** RFC 8689 §3. */
function saysTlsIsOptional({ header }: Message): boolean {
  return header.first('TLS-Required')?.toLowerCase() === 'no'
}

/** With defaults for what is left out. */
export function outgoing(settings: SmtpSettings): OutgoingSettings {
  return {
    families: 'ipv4-first',
    sourceAddresses: [],
    maxRecipients,
    tlsPolicy: () => undefined,
    tellsSource: () => false,
    eightBit: 'bounce',
    defaultTls: { level: 'may' },
    ...settings,
    timeouts: { ...defaultSmtpTimeouts, ...settings.timeouts },
  }
}

/** A session may carry what it could have been opened for, as far as the message has a say in it. */
function reuseKey({ route, settings, requireTls, tlsOptional }: Journey): string {
  const wish = requireTls ? 'requiretls' : tlsOptional === true ? 'optional' : ''
  return [route.key, settings.helloName, wish].join(' ')
}

/**
 * Delivery to another SMTP server: finds its hosts, tries one after the other until one lets us say MAIL,
 * then speaks as many transactions as the recipients need. A host that can not be reached or turns us
 * away is no answer; what is said after MAIL is. Never throws for what a peer or the DNS did.
 */
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Recipient } from '../../mail/envelope.ts'
import type { SmtpRoute } from '../../mail/route.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Dns } from '../../runtime/dns.ts'
import type { Log } from '../../runtime/log.ts'
import type { Net } from '../../runtime/net.ts'
import type { Random } from '../../runtime/random.ts'
import type { Transport } from '../transport.ts'
import { trouble, turnedAway, type Hop } from './hop-result.ts'
import { unfit, unspeakable, type Mailing } from './mail-command.ts'
import { addressesOf, hostsOf, type Found } from './mail-exchangers.ts'
import { openSession, type SmtpSession } from './smtp-session.ts'
import { defaultSmtpTimeouts, type SmtpTimeouts } from './smtp-timeouts.ts'
import { transact } from './smtp-transaction.ts'

export interface SmtpOptions {
  readonly net: Net
  readonly dns: Dns
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** What we call ourselves in EHLO (control/helohost); asked for each connection. */
  readonly helloName: () => string
  readonly timeouts?: Partial<SmtpTimeouts>
}

/** However many addresses a domain has: each may cost the time of a greeting that never comes. */
const maxConnections = 5
/** What every server must take in one transaction (RFC 5321 §4.5.3.1.8). */
const maxRecipients = 100

type Doors = SmtpOptions & { readonly timeouts: SmtpTimeouts }
type Entered = { readonly hop: Hop; readonly session: SmtpSession }

export function smtpTransport(options: SmtpOptions): Transport<SmtpRoute> {
  const doors = { ...options, timeouts: { ...defaultSmtpTimeouts, ...options.timeouts } }
  return {
    async deliver({ route, message, envelope, recipients }, signal) {
      const { found, result } = await reach(doors, route, signal)
      if (found === undefined) return recipients.map(() => result)
      const results = await mailTo(recipients, { ...found, message, envelope }, doors.timeouts)
      found.session.client.quit(doors.timeouts.quitMs)
      return results
    },
  }
}

/** The first host that lets us in. Where none does, a temporary reason tells more than a permanent one. */
async function reach(doors: Doors, route: SmtpRoute, signal: AbortSignal): Promise<Found<Entered>> {
  const lookUp = { dns: doors.dns, random: doors.random, signal }
  const hosts = await hostsOf(route, lookUp)
  if (hosts.found === undefined) return hosts
  let why: DeliveryResult | undefined
  let connections = 0
  for (const name of hosts.found) {
    if (signal.aborted || connections === maxConnections) break
    const addresses = await addressesOf(name, route, lookUp)
    if (addresses.found === undefined) {
      if (why?.outcome !== 'deferred') why = addresses.result
      continue
    }
    for (const address of addresses.found) {
      if (signal.aborted || connections === maxConnections) break
      connections++
      const entered = await enter(doors, { name, address, port: route.port }, { route, signal })
      if (entered.found !== undefined) return entered
      why = entered.result
    }
  }
  return { result: why ?? noHost }
}

const noHost: DeliveryResult = {
  outcome: 'deferred',
  status: '4.4.1',
  text: 'The delivery was called off before a host was found',
}

/** With TLS if there is any; a handshake that fails costs the encryption, not the mail. */
async function enter(
  { net, clock, log, timeouts, helloName }: Doors,
  hop: Hop,
  { route, signal }: { readonly route: SmtpRoute; readonly signal: AbortSignal },
): Promise<Found<Entered>> {
  const { address, port, name: servername } = hop
  const { login } = route
  for (const tls of ['may', 'none'] as const) {
    try {
      const opened = await openSession({
        net,
        clock,
        timeouts,
        address,
        port,
        servername,
        helloName: helloName(),
        signal,
        tls,
        ...(login === undefined ? {} : { login }),
      })
      if (opened.opened === 'session') return { found: { hop, session: opened.session } }
      if (opened.opened === 'refused') {
        return { result: turnedAway(hop, opened.step, opened.reply) }
      }
      log.warn('smtp.tls_failed', { host: servername, address, error: opened.error.message })
    } catch (error) {
      return { result: trouble(hop, error) }
    }
  }
  return { result: noHost }
}

/** As many transactions as it takes: a hundred recipients each, or as few as the next hop wants at a time. */
async function mailTo(
  recipients: readonly Recipient[],
  mailing: Mailing,
  timeouts: SmtpTimeouts,
): Promise<readonly DeliveryResult[]> {
  const reason = unfit(mailing)
  if (reason !== undefined) return recipients.map(() => reason)
  const results = recipients.map((recipient) => unspeakable(mailing, recipient))
  let open = [...recipients.keys()].filter((at) => results[at] === undefined)
  let reusable = true
  while (open.length > 0 && reusable) {
    const batch = open.slice(0, maxRecipients)
    const named = batch.flatMap((at) => recipients[at] ?? [])
    const outcome = await transact({ ...mailing, recipients: named, timeouts })
    batch.forEach((at, i) => (results[at] = outcome.results[i]))
    const again = outcome.leftOver.flatMap((i) => batch[i] ?? [])
    open = [...again, ...open.slice(maxRecipients)]
    reusable = outcome.reusable
  }
  return results.map((result) => result ?? unreached(mailing.hop))
}

function unreached({ address }: Hop): DeliveryResult {
  const text = `The session with ${address} ended before this recipient's turn`
  return { outcome: 'deferred', status: '4.4.2', text }
}

/**
 * Delivery to a local delivery agent by LMTP (RFC 2033), over TCP or a UNIX socket: the client is the SMTP one, but
 * each recipient has the answer of their own mailbox. An agent that can not be reached is a trouble of ours: it defers.
 */
import type { LmtpRoute } from '../../mail/route.ts'
import { isSamePolicy, type TlsPolicy } from '../../mail/tls-policy.ts'
import type { Transport } from '../transport.ts'
import type { Found } from './found.ts'
import type { Hop } from './hop-result.ts'
import { mailAll } from './mailing.ts'
import { addressesOf } from './mail-exchangers.ts'
import { enter } from './session-entry.ts'
import { SessionPool } from './session-pool.ts'
import { outgoing, sourceFor, type SmtpOptions } from './smtp.ts'
import type { OutgoingSettings } from './smtp-reach.ts'
import type { SmtpSession } from './smtp-session.ts'

export function lmtpTransport(options: SmtpOptions): Transport<LmtpRoute> {
  const pool = new SessionPool(options.clock, options.pool)
  return {
    deliver({ queueId, route, message, envelope, recipients }, signal) {
      const settings = outgoing(options.settings())
      const agent = 'path' in route.to ? route.to.path : route.to.host
      return mailAll(
        {
          message,
          envelope,
          recipients,
          ...sourceFor(agent, settings, { queueId, envelope }),
        },
        {
          pool,
          key: `${route.key} ${settings.helloName}`,
          suits: async ({ hop, policy }) => isSamePolicy(policy, tlsFor(hop, settings)),
          open: () => reachAgent(options, { route, settings, signal }),
          signal,
          eightBit: settings.eightBit,
          timeouts: settings.timeouts,
          maxRecipients: settings.maxRecipients,
        },
      )
    },
    close: () => pool.close(),
  }
}

interface Journey {
  readonly route: LmtpRoute
  readonly settings: OutgoingSettings
  readonly signal: AbortSignal
}

/** The agent is on our side of the border: what REQUIRETLS demands of relays does not concern it (RFC 8689 §5). */
async function reachAgent(
  doors: SmtpOptions,
  { route, settings, signal }: Journey,
): Promise<Found<SmtpSession>> {
  const hops = await hopsOf(doors, { route, settings, signal })
  if (hops.found === undefined) return hops
  let last: Found<SmtpSession> | undefined
  for (const hop of hops.found) {
    const tls = tlsFor(hop, settings)
    const terms = { settings, signal, tls, lookup: 'host', requireTls: false } as const
    last = await enter(doors, hop, { ...terms, protocol: 'lmtp' })
    if (last.found !== undefined) break
  }
  return last ?? { result: nowhere }
}

/** Nobody listens on a UNIX socket. */
function tlsFor({ name, to }: Hop, { tlsPolicy, defaultTls }: OutgoingSettings): TlsPolicy {
  return 'path' in to ? { level: 'none' } : (tlsPolicy(name, name) ?? defaultTls)
}

const nowhere = { outcome: 'deferred', status: '4.4.1', text: 'The agent has no address' } as const

async function hopsOf(
  { dns, random }: SmtpOptions,
  { route: { to }, settings: { families }, signal }: Journey,
): Promise<Found<readonly Hop[]>> {
  if ('path' in to) return { found: [{ name: 'localhost', address: to.path, to }] }
  const { host, port } = to
  const lookUp = { dns, random, signal, families }
  const addresses = await addressesOf(host, { lookup: 'host', host }, lookUp)
  if (addresses.found === undefined) return addresses
  return {
    found: addresses.found.map((address) => ({
      name: host,
      address,
      to: { host: address, port },
    })),
  }
}

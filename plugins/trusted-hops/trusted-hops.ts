/**
 * Relays of ours in front of this one: a backup MX, a load balancer that speaks SMTP. What they bring was sent by somebody
 * else, of whom their Received fields tell. Each field is believed only because the host that wrote it is trusted: the
 * topmost one was written by whoever is connected, the next one by the client that it names, and so on, until a client
 * comes that is not ours. Whatever stands below that may be forged and is not looked at.
 */
import { definePlugin, finding, option, pass, type Networks } from 'postern/plugin'
import { originClient, trustedHop } from './findings.ts'
import { receivedClient, type ReceivedClient } from './received-client.ts'

/** More relays of ours in a row are a loop. */
const longestChain = 20

export const trustedHops = definePlugin({
  name: 'trusted-hops',
  summary: 'Finds out who sent the mail that relays of ours bring (backup MX).',
  defaults: { onFault: 'pass' },
  provides: [trustedHop, originClient],
  options: {
    networks: option.networks({
      description: 'Relays of ours. Each of them must add a Received field of its own.',
    }),
  },
  setup: () => ({
    connect({ session }, { options }) {
      const { address } = session.remote
      return options.networks.has(address)
        ? pass({ reason: 'TRUSTED_HOP', findings: [finding(trustedHop, { address })] })
        : pass()
    },
    message({ message }, { options, findings }) {
      if (findings.get(trustedHop) === undefined) return pass()
      const origin = originOf(message.header.all('received'), options.networks)
      if (origin === undefined) return pass({ reason: 'ORIGIN_UNKNOWN' })
      const { address, hello } = origin
      return pass({
        reason: 'ORIGIN_CLIENT',
        evidence: { address, hello },
        findings: [finding(originClient, { address, hello })],
      })
    },
  }),
})

/** The first client that is not ours. @param fields topmost first */
export function originOf(
  fields: readonly string[],
  ours: Pick<Networks, 'has'>,
): ReceivedClient | undefined {
  for (const field of fields.slice(0, longestChain)) {
    const client = receivedClient(field)
    if (client === 'no client') continue
    if (client === undefined || client === 'none') return undefined
    // A relay that filters mail hands it to itself.
    if (!isLoopback(client.address) && !ours.has(client.address)) return client
  }
  return undefined
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

import type { GivenAnswer, GivenDnsZones, GivenName } from '../config/given-dns.ts'
import type { PolicyTest } from '../config/policy-tests.ts'
import { PosternError } from '../mail/errors.ts'
import type { Dns, DnsAnswer } from '../runtime/dns.ts'

type Zones = Exclude<GivenDnsZones, 'real'>

/** The name that a test gives its client is a name by DNS: it leads there and back, where the test says nothing else of it. */
export function withClient(
  zones: Zones,
  { client, client_name: name }: Pick<PolicyTest, 'client' | 'client_name'>,
): Zones {
  if (name === undefined) return zones
  const known: Zones = new Map([
    [client, { names: [name] }],
    [name.toLowerCase().replace(/\.$/, ''), { addresses: [client] }],
  ])
  return new Map([...known, ...zones])
}

/** A DNS of what a policy test says. A question that it does not answer fails, and is noted. */
export function givenDns(zones: Zones, missing: (what: string) => void): Dns {
  const ask = async <T>(
    type: string,
    name: string,
    pick: (known: GivenName) => readonly T[] | undefined,
  ): Promise<DnsAnswer<T>> => {
    await Promise.resolve()
    const asked = name.toLowerCase().replace(/\.$/, '')
    const known = find(zones, asked)
    if (known === undefined) {
      missing(`the DNS was asked for ${type} of ${asked}`)
      throw new PosternError('DNS_FAILED', `${asked} is not given in the test`)
    }
    if (known === 'fails') throw new PosternError('DNS_FAILED', asked)
    if (known === 'none') return { answer: 'no-name' }
    const records = pick(known) ?? []
    return records.length === 0 ? { answer: 'no-data' } : { answer: 'found', records }
  }
  return {
    addresses: (name) => ask('addresses', name, ({ addresses }) => addresses),
    ipv4: (name) =>
      ask('addresses', name, ({ addresses }) => addresses?.filter((each) => !each.includes(':'))),
    mx: (name) => ask('MX', name, ({ mx }) => mx),
    txt: (name) => ask('TXT', name, ({ txt }) => txt),
    reverse: (address) => ask('names', address, ({ names }) => names),
  }
}

/** The name itself, then the nearest `*.` above it. */
function find(zones: ReadonlyMap<string, GivenAnswer>, name: string): GivenAnswer | undefined {
  const own = zones.get(name)
  if (own !== undefined) return own
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const above = zones.get(`*${name.slice(dot)}`)
    if (above !== undefined) return above
  }
  return undefined
}

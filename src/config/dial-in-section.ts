/** `delivery.dial_in`: by domain, the Maildir of a host that is not always there, and how we learn that it is. */
import type { JsonValue } from '../mail/json.ts'
import { asciiDomain } from '../mail/domain.ts'
import { parseRouteTarget } from '../formats/route-target.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import { isMap, type Reading } from './reading.ts'

/** A host that is not always there. */
const dialInShape = {
  maildir: option.string({ description: 'Where its mail waits, by a line in a .qmail file' }),
  prefix: option.string({
    default: '',
    description: 'What stands before the recipient in Delivered-To, such as alias-turn-',
  }),
  host: optional(
    option.string({
      description: 'Where it takes mail, host or host:port; ETRN has it sent there',
    }),
  ),
  clients: option.networks({
    default: [],
    description:
      'When a session of theirs ends, it is sent: to the host, or without one to the client itself (AutoTURN)',
  }),
} as const

/** Its mail waits in a Maildir, as serialmail has it. */
export interface DialInHost {
  readonly maildir: string
  /** What stands before the recipient in Delivered-To. */
  readonly prefix: string
  /** Where it takes mail; absent: where its client was. */
  readonly to?: { readonly host: string; readonly port: number }
  /** Clients whose session has it sent when it ends (AutoTURN). */
  readonly clients: { has(address: string): boolean }
}

const path = ['delivery', 'dial_in'] as const

/** Keyed by domain, as A-labels in lower case. */
export function readDialIn(
  reading: Reading,
  given: JsonValue | undefined,
  absolute: (path: string) => string,
): ReadonlyMap<string, DialInHost> {
  const hosts = new Map<string, DialInHost>()
  if (given === undefined || given === null) return hosts
  if (!isMap(given)) {
    const remedy = 'write the domains as domain: { maildir: ..., prefix: ..., host: ... }'
    reading.mistake(path, 'is not a map', remedy)
    return hosts
  }
  for (const [name, written] of Object.entries(given)) {
    const domain = asciiDomain(name)
    if (domain === '') reading.mistake([...path, name], 'is not a domain', 'write a domain')
    const values = reading.section([...path, name], dialInShape, written)
    if (values === undefined) continue
    const { maildir, prefix, host, clients } = values
    const target = host === undefined ? undefined : parseRouteTarget(`smtp:${host}`)
    if (host !== undefined && target?.kind !== 'smtp') {
      const remedy = 'write host or host:port; IPv6 in brackets'
      reading.mistake([...path, name, 'host'], `${JSON.stringify(host)} is no host`, remedy)
    }
    if (host === undefined && clients.list.length === 0) {
      const remedy = 'write its host, for ETRN, or its clients, whose sessions have it sent'
      reading.mistake([...path, name], 'says nowhere when to send what lies there', remedy)
    }
    // The whole of a network would be too many to be this one host.
    const network =
      host === undefined ? clients.list.find((each) => !isOneAddress(each)) : undefined
    if (network !== undefined) {
      const problem = `${JSON.stringify(network)} is more than one address, and without host each of them would get this mail`
      reading.mistake([...path, name, 'clients'], problem, 'write host, or addresses one by one')
    }
    hosts.set(domain, {
      maildir: absolute(maildir),
      prefix,
      clients,
      ...(target?.kind === 'smtp' ? { to: { host: target.host, port: target.port } } : {}),
    })
  }
  return hosts
}

function isOneAddress(client: string): boolean {
  const prefix = client.split('/')[1]
  return prefix === undefined || prefix === (client.includes(':') ? '128' : '32')
}

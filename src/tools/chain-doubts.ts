/** Entries that are never asked, and DNS lists that are asked through name servers that do not answer for them. */
import ipaddr from 'ipaddr.js'
import type { Configuration, EntryConfiguration } from '../config/configuration.ts'
import type { Generation } from '../filter/generation.ts'
import { conditionList, type ConditionShape } from '../plugin/condition.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { VouchingEntry } from './relay-proof.ts'

/** Entries whose conditions never hold. */
export function unreachableDoubts(
  { chain }: Configuration,
  generation: Generation,
): readonly Mistake[] {
  const { verify, secretFor, checkResponse, checkApop } = generation.places
  const canLogIn = [verify, secretFor, checkResponse, checkApop].some(({ length }) => length > 0)
  return chain.flatMap((entry) => {
    if (entry.mode === 'off') return []
    const problem = whyNever(entry, canLogIn)
    if (problem === undefined) return []
    const remedy = 'change its conditions, or say mode: off'
    return [mistakeAt(entry.place, [], { problem, remedy, code: 'unreachable-entry' })]
  })
}

function whyNever(
  { name, when, unless }: EntryConfiguration,
  canLogIn: boolean,
): string | undefined {
  const wanted = when === undefined ? [{}] : conditionList(when)
  const exempt = conditionList(unless)
  if (exempt.some((each) => Object.keys(each).length === 0)) {
    return `${name} is never asked: its unless holds for everybody`
  }
  const excluded = (each: ConditionShape): boolean => exempt.some((other) => implies(each, other))
  if (wanted.length > 0 && wanted.every(excluded)) {
    return `${name} is never asked: its unless excludes what its when asks for`
  }
  const needsLogin = wanted.length > 0 && wanted.every((each) => each.authenticated === true)
  return needsLogin && !canLogIn
    ? `${name} is never asked: it is for those who log in, and no entry knows a login`
    : undefined
}

/** Whether wherever `one` holds, `other` holds as well. */
function implies(one: ConditionShape, other: ConditionShape): boolean {
  const given = new Map<string, unknown>(Object.entries(one))
  const asked = Object.entries(other)
  return asked.length > 0 && asked.every(([key, value]) => isWithin(given.get(key), value))
}

/** A list holds where one of its items does. */
function isWithin(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one !== undefined && one === other
  return one.length > 0 && one.every((item) => other.includes(item))
}

/** They say 451, remember or ask others about recipients: that is not for whoever tries to relay. */
const behindVouchers: ReadonlySet<string> = new Set(['greylist', 'call-forward', 'rcptcheck'])

/** Entries that are asked about recipients for whom nobody can have vouched yet. */
export function strangersFirstDoubts(
  { chain }: { readonly chain: readonly Pick<EntryConfiguration, 'name' | 'plugin' | 'place'>[] },
  { places: { rcpt, vouching } }: { readonly places: RecipientPlaces },
): readonly Mistake[] {
  const last = rcpt[vouching - 1]?.entry.name
  const early = rcpt.slice(0, vouching).map(({ entry }) => entry.name)
  return chain.flatMap(({ name, plugin, place }) => {
    if (last === undefined || !behindVouchers.has(plugin) || !early.includes(name)) return []
    const problem = `${name} answers before ${last} can vouch: also those who try to relay, who are then told to come back, or remembered`
    return [mistakeAt(place, [], { problem, remedy: `put it behind ${last}`, code: 'chain' })]
  })
}

/** What of a generation says who is asked about a recipient before the last that could vouch. */
interface RecipientPlaces {
  readonly rcpt: readonly { readonly entry: { readonly name: string } }[]
  readonly vouching: number
}

/** What of a configuration says whether mail of strangers is forwarded under a name of ours. */
export interface ForwardingConfiguration {
  readonly delivery: Pick<Configuration['delivery'], 'srs' | 'local'>
  readonly listeners: readonly Pick<Configuration['listeners'][number], 'role'>[]
  readonly receiver: { readonly place: Pick<Configuration['receiver']['place'], 'file'> }
}

/** Bounces of forwarded mail come to addresses that nobody but the plugin srs knows. */
export function rewritingDoubts(
  { delivery, listeners, receiver }: ForwardingConfiguration,
  entries: readonly Pick<VouchingEntry, 'plugin' | 'mode'>[],
): readonly Mistake[] {
  const has = (name: string): boolean =>
    entries.some(({ plugin, mode }) => plugin === name && mode === 'enforce')
  const forwards = delivery.local === 'users' || has('mailboxes')
  const takesBounces = has('srs') || !listeners.some(({ role }) => role === 'mx')
  if (!delivery.srs || !forwards || takesBounces) return []
  return [
    {
      file: receiver.place.file,
      key: 'delivery.srs',
      problem:
        'senders of forwarded mail are rewritten (SRS), and no entry takes the bounces: they are lost',
      remedy: 'add - plugin: srs to the chain, or write delivery: { srs: false }',
      code: 'chain',
    },
  ]
}

/** Plugins that ask DNS lists. */
const listPlugins: ReadonlySet<string> = new Set(['dnsbl', 'rhsbl', 'uribl'])

/** Name servers for everybody; https://www.spamhaus.org/faqs/dnsbl-usage/ has the effect. */
const publicServers: ReadonlyMap<string, string> = new Map([
  ['8.8.8.8', 'Google'],
  ['8.8.4.4', 'Google'],
  ['2001:4860:4860::8888', 'Google'],
  ['2001:4860:4860::8844', 'Google'],
  ['1.1.1.1', 'Cloudflare'],
  ['1.0.0.1', 'Cloudflare'],
  ['2606:4700:4700::1111', 'Cloudflare'],
  ['2606:4700:4700::1001', 'Cloudflare'],
  ['9.9.9.9', 'Quad9'],
  ['9.9.9.10', 'Quad9'],
  ['149.112.112.112', 'Quad9'],
  ['2620:fe::fe', 'Quad9'],
  ['208.67.222.222', 'OpenDNS'],
  ['208.67.220.220', 'OpenDNS'],
  ['94.140.14.14', 'AdGuard'],
  ['185.228.168.9', 'CleanBrowsing'],
])

/** What is said of name servers and of who relies on them. */
export interface ResolverFacts {
  readonly chain: Configuration['chain']
  readonly dns: Pick<Configuration['dns'], 'servers'>
  readonly receiver: Pick<Configuration['receiver'], 'place'>
  readonly delivery: { readonly tls: Pick<Configuration['delivery']['tls'], 'dane'> }
}

/** @param resolvConf the text of /etc/resolv.conf, which counts where no name servers are configured */
export function resolverDoubts(
  { chain, dns, receiver, delivery }: ResolverFacts,
  resolvConf: string,
): readonly Mistake[] {
  const isOwn = dns.servers.length > 0
  const servers = isOwn
    ? dns.servers.map((server) =>
        server.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1'),
      )
    : [...resolvConf.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map(([, server = '']) => server)
  const doubt = (problem: string): Mistake => ({
    file: isOwn ? receiver.place.file : '/etc/resolv.conf',
    ...(isOwn ? { key: 'dns.servers' } : {}),
    problem,
    remedy:
      'run a resolver of your own, such as unbound, and name it in dns: { servers: [127.0.0.1] }',
    code: 'public-resolver',
  })
  const asks = chain.find(({ plugin, mode }) => mode !== 'off' && listPlugins.has(plugin))
  const found = servers.filter((server) => publicServers.has(server.toLowerCase()))
  const named = found.map((server) => `${server} (${publicServers.get(server.toLowerCase())})`)
  const far = delivery.tls.dane ? servers.filter(isFarAway) : []
  return [
    ...(asks === undefined || named.length === 0
      ? []
      : [
          doubt(
            `${asks.name} asks DNS lists through ${named.join(', ')}: most lists refuse to answer such servers`,
          ),
        ]),
    // RFC 7672 §2.1: the AD bit is worth as much as the way it comes.
    ...(far.length === 0
      ? []
      : [doubt(`delivery.dane believes ${far.join(', ')}, and whoever is on the way may answer`)]),
  ]
}

/** Neither this host nor a network of its own. */
function isFarAway(server: string): boolean {
  return ipaddr.isValid(server) && ipaddr.process(server).range() === 'unicast'
}

/** The section `admin`: where the HTTP API and its pages are, for whom, and for how long a login lasts. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { JsonObject } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import { parseListenAddress } from './listen-address.ts'
import type { Reading } from './reading.ts'

export interface AdminConfiguration {
  readonly listen: { readonly host: string; readonly port: number }
  /** Without a slash at the end. */
  readonly publicUrl?: string
  readonly trustedProxies: readonly string[]
  /** PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly idleMs: number
  readonly lifetimeMs: number
  readonly requestsPerMinute: number
  /** Addresses and networks that read /metrics without a token. */
  readonly metricsFrom: readonly string[]
  /** The folder of its users, sessions and history; absolute. */
  readonly path: string
}

const adminShape = {
  listen: option.string({ default: '127.0.0.1:8025', description: 'An address and a port' }),
  public_url: optional(
    option.string({ description: 'How people reach it, where a proxy stands before it' }),
  ),
  trusted_proxies: option.strings({
    default: [],
    description: 'Addresses and networks whose X-Forwarded-For is believed',
  }),
  certificate: optional(option.string({ description: 'PEM file; with key: HTTPS' })),
  key: optional(option.string({ description: 'PEM file' })),
  session_idle: option.duration({ default: '2h', description: 'Logged out when idle so long' }),
  session_lifetime: option.duration({ default: '12h', description: 'Logged out in any case' }),
  requests_per_minute: option.integer({
    default: 600,
    min: 10,
    description: 'From one address, or one /64',
  }),
  metrics_from: optional(
    option.strings({ description: 'Addresses and networks that read /metrics without a token' }),
  ),
  path: option.string({
    default: '../var/admin',
    description: 'Its users, sessions and the history of changes',
  }),
} as const

/** Where a proxy stands before us, a stranger may come from here as well: then nobody reads the metrics unasked. */
const thisHost: readonly string[] = ['127.0.0.1', '::1']

/** What it needs of the configuration folder. */
export interface AdminFiles {
  absolute(path: string): string
  /** Undefined where there is none. */
  readText(path: string): string | undefined
}

/** @returns undefined for `admin: off` */
export function readAdmin(
  reading: Reading,
  top: JsonObject,
  files: AdminFiles,
): AdminConfiguration | undefined {
  const { admin } = top
  if (admin === 'off' || admin === false) return undefined
  const values = reading.sectionOrDefaults(top, 'admin', adminShape)
  const listen = parseListenAddress(values.listen)
  const reachable = listen !== undefined && 'port' in listen ? listen : undefined
  if (reachable === undefined) {
    const problem = `'${values.listen}' is no address with a port`
    reading.mistake(['admin', 'listen'], problem, 'write 127.0.0.1:8025 or [::1]:8025')
  }
  const publicUrl = readPublicUrl(reading, values.public_url)
  checkAddresses(reading, 'trusted_proxies', values.trusted_proxies)
  const behindProxy = publicUrl !== undefined || values.trusted_proxies.length > 0
  const metricsFrom = values.metrics_from ?? (behindProxy ? [] : thisHost)
  checkAddresses(reading, 'metrics_from', metricsFrom)
  const tls = readTls(reading, values, files)
  const open = reachable !== undefined && !isLoopback(reachable.host)
  if (open && tls === undefined && values.trusted_proxies.length === 0) {
    const remedy = 'add certificate and key, or listen on 127.0.0.1 behind a proxy'
    reading.mistake(['admin', 'listen'], 'would send passwords unencrypted', remedy)
  }
  return {
    listen: reachable ?? { host: '127.0.0.1', port: 8025 },
    ...(publicUrl === undefined ? {} : { publicUrl }),
    trustedProxies: values.trusted_proxies,
    ...(tls === undefined ? {} : { tls }),
    idleMs: values.session_idle,
    lifetimeMs: values.session_lifetime,
    requestsPerMinute: values.requests_per_minute,
    metricsFrom: metricsFrom.flatMap((each) => plainAddress(each) ?? []),
    path: files.absolute(values.path),
  }
}

function isLoopback(host: string): boolean {
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}

function readPublicUrl(reading: Reading, written: string | undefined): string | undefined {
  if (written === undefined) return undefined
  const url = URL.canParse(written) ? new URL(written) : undefined
  const plain = url?.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  if (url !== undefined && plain && /^https?:$/.test(url.protocol)) return url.origin
  const remedy = 'write https://mail.example.org, without a path'
  reading.mistake(['admin', 'public_url'], `'${written}' is no such address`, remedy)
  return undefined
}

function checkAddresses(
  reading: Reading,
  key: 'trusted_proxies' | 'metrics_from',
  written: readonly string[],
): void {
  const wrong = written.find((each) => !ipaddr.isValid(each) && !ipaddr.isValidCIDR(each))
  if (wrong === undefined) return
  const remedy = 'write addresses and networks, such as 192.0.2.1 or 10.0.0.0/8'
  reading.mistake(['admin', key], `'${wrong}' is no address`, remedy)
}

/** As every program reads it: `10.1` is one to some. @returns undefined for what is none */
function plainAddress(written: string): string | undefined {
  if (ipaddr.isValid(written)) return ipaddr.process(written).toString()
  if (!ipaddr.isValidCIDR(written)) return undefined
  const [address, bits] = ipaddr.parseCIDR(written)
  return `${address.toString()}/${bits}`
}

function readTls(
  reading: Reading,
  {
    certificate,
    key,
  }: { readonly certificate?: string | undefined; readonly key?: string | undefined },
  files: AdminFiles,
): AdminConfiguration['tls'] {
  if (certificate === undefined && key === undefined) return undefined
  const texts = {
    certificate: certificate === undefined ? undefined : files.readText(certificate),
    key: key === undefined ? undefined : files.readText(key),
  }
  for (const name of ['certificate', 'key'] as const) {
    if (texts[name] !== undefined && isPem(name, texts[name])) continue
    const problem = { certificate, key }[name] === undefined ? 'is missing' : 'cannot be read'
    reading.mistake(['admin', name], problem, 'name a PEM file, certificate and key alike')
    return undefined
  }
  const { certificate: shown = '', key: kept = '' } = texts
  if (new X509Certificate(shown).checkPrivateKey(createPrivateKey(kept))) {
    return { certificate: shown, key: kept }
  }
  reading.mistake(['admin', 'key'], 'does not belong to the certificate', 'name the right one')
  return undefined
}

function isPem(kind: 'certificate' | 'key', text: string): boolean {
  try {
    if (kind === 'certificate') return new X509Certificate(text).raw.length > 0
    return createPrivateKey(text).type === 'private'
  } catch {
    // Whatever it is, it is none.
    return false
  }
}

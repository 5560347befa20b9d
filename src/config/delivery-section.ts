/** The section `delivery`: its plain options, and two maps by domain, `routes` and `tls`. */
import { X509Certificate } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { domainTable, domainTableKey, type DomainTable } from '../formats/domain-table.ts'
import { parseRouteTarget, routeTargetRemedy, type RouteTarget } from '../formats/route-target.ts'
import type { BounceFormat } from '../mail/dsn.ts'
import { errorMessage } from '../mail/errors.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { tlsLevels, type TlsPolicy } from '../mail/tls-policy.ts'
import { readDialIn, type DialInHost } from './dial-in-section.ts'
import { readDestinations, type DestinationConfiguration } from './destinations-section.ts'
import { isMap, type Reading } from './reading.ts'
import { sectionShapes } from './schema.ts'

export interface DeliveryConfiguration {
  readonly maildirs: string
  readonly local: 'maildirs' | 'users'
  /** A folder. */
  readonly alias: string
  readonly localTimeoutMs: number
  /** Undefined: no limit. */
  readonly localMemoryBytes: number | undefined
  /** Undefined: what the system allows. */
  readonly localProcesses: number | undefined
  /** Whether senders of forwarded mail are rewritten. */
  readonly srs: boolean
  readonly paused: boolean
  readonly delayNoticeMs: number
  readonly bounceFormat: BounceFormat
  /** Absent: it depends on the recipient's domain. */
  readonly bounceUnauthenticated?: 'send' | 'hold'
  /** Lower case. */
  readonly validatedDomains: ReadonlySet<string>
  /** By the name of the next hop in lower case, and `default`. */
  readonly destinations: ReadonlyMap<string, DestinationConfiguration>
  /** Hosts that are not always there, by domain. */
  readonly dialIn: ReadonlyMap<string, DialInHost>
  /** Before control/locals and control/smtproutes. */
  readonly routes: DomainTable<RouteTarget>
  readonly tls: {
    /** By domain, relay or mail exchanger. */
    readonly policies: DomainTable<TlsPolicy>
    /** Where no policy is written for it. */
    readonly otherwise: TlsPolicy
    /** PEM: whom to trust besides the system's authorities. */
    readonly authorities?: string
    /** Whether policies of the domains themselves are obeyed (RFC 8461). */
    readonly mtaSts: boolean
    /** Whether TLSA records are obeyed (RFC 7672). */
    readonly dane: boolean
    /** Whether domains that ask for it are told of TLS with them (RFC 8460). */
    readonly reports: boolean
  }
  /** 8-bit text for a next hop without 8BITMIME. */
  readonly eightBit: 'bounce' | 'send'
  /** Next hops that are told of the client, in lower case. */
  readonly xforward: ReadonlySet<string>
  /** Whether mail exchangers are spoken to by QMTP whose preference says so. */
  readonly mxps: boolean
  readonly addressFamily: 'ipv4-first' | 'ipv6-first' | 'ipv4' | 'ipv6'
  readonly recipientsPerTransaction: number
  /** How a connection to a next hop is used for more than one message. */
  readonly reuse: { readonly idleMs: number; readonly messages: number }
}

export interface DeliverySurroundings {
  readonly absolute: (path: string) => string
  /** The text of a file, relative to the configuration folder, or undefined where there is none. */
  readonly readText: (path: string) => string | undefined
}

/** Node itself does not start with much less. */
const leastMemoryBytes = 1 << 30
const leastProcesses = 200

export function readDelivery(
  reading: Reading,
  top: JsonObject,
  { absolute, readText }: DeliverySurroundings,
): DeliveryConfiguration {
  const maps = ['routes', 'tls', 'destinations', 'dial_in']
  const values = reading.sectionOrDefaults(top, 'delivery', sectionShapes.delivery, maps)
  const given = isMap(top['delivery']) ? top['delivery'] : {}
  const policies = readPolicies(reading, given['tls'])
  const authorities =
    values.tls_ca === undefined ? undefined : readAuthorities(reading, values.tls_ca, readText)
  return {
    maildirs: absolute(values.maildirs),
    local: values.local,
    alias: absolute(values.alias),
    localTimeoutMs: values.local_timeout,
    localMemoryBytes: readMemory(reading, values.local_memory),
    localProcesses: readProcesses(reading, values.local_processes),
    srs: values.srs,
    paused: values.paused,
    delayNoticeMs: values.delay_notice_after,
    validatedDomains: new Set(values.validated_domains.map((domain) => domain.toLowerCase())),
    bounceFormat: values.bounce_format,
    ...(values.bounce_unauthenticated === undefined
      ? {}
      : { bounceUnauthenticated: values.bounce_unauthenticated }),
    destinations: readDestinations(reading, given['destinations']),
    dialIn: readDialIn(reading, given['dial_in'], absolute),
    routes: domainTable(readRoutes(reading, given['routes'])),
    tls: {
      policies: domainTable(policies),
      otherwise: policies.get('*') ?? { level: 'may' },
      mtaSts: values.mta_sts,
      dane: values.dane,
      reports: values.tls_reports,
      ...(authorities === undefined ? {} : { authorities }),
    },
    eightBit: values.eight_bit,
    xforward: readXforward(reading, values.xforward),
    mxps: values.mxps,
    addressFamily: values.address_family,
    recipientsPerTransaction: values.recipients_per_transaction,
    reuse: { idleMs: values.keep_connection, messages: values.messages_per_connection },
  }
}

/** The processes of ours that start the programs of a user have the same limit. */
function readMemory(reading: Reading, bytes: number): number | undefined {
  if (bytes === 0) return undefined
  if (bytes < leastMemoryBytes) {
    const problem = 'is less than our own process needs that starts the programs'
    reading.mistake(['delivery', 'local_memory'], problem, 'write 1GB or more, or 0 for no limit')
  }
  return bytes
}

/** Up to eight processes of ours stand between the gateway and the programs of one user, each with a dozen threads. */
function readProcesses(reading: Reading, most: number): number | undefined {
  if (most === 0) return undefined
  if (most < leastProcesses) {
    const problem = 'is less than our own processes need that start the programs'
    reading.mistake(
      ['delivery', 'local_processes'],
      problem,
      'write 200 or more, or 0 for no limit',
    )
  }
  return most
}

function readXforward(reading: Reading, names: readonly string[]): ReadonlySet<string> {
  for (const [at, name] of names.entries()) {
    if (domainTableKey(name) !== undefined || ipaddr.isValid(name) || name.startsWith('/')) continue
    const remedy = 'write the host, the domain or the socket of a route, without a port'
    reading.mistake(['delivery', 'xforward', at], `${JSON.stringify(name)} is no next hop`, remedy)
  }
  return new Set(names.map((name) => name.toLowerCase()))
}

function readRoutes(
  reading: Reading,
  given: JsonValue | undefined,
): ReadonlyMap<string, RouteTarget> {
  return readMap(reading, ['delivery', 'routes'], given, (key, value, path) => {
    const domain = domainTableKey(key)
    if (domain === undefined) {
      const remedy =
        key === '*'
          ? 'write the line :relay into control/smtproutes for all other domains'
          : 'write a domain, or .domain for everything below it'
      reading.mistake(path, 'is not a domain', remedy)
      return undefined
    }
    const target = typeof value === 'string' ? parseRouteTarget(value) : undefined
    if (target !== undefined) return [domain, target]
    reading.mistake(path, `${JSON.stringify(value)} is no route`, routeTargetRemedy)
    return undefined
  })
}

function readPolicies(
  reading: Reading,
  given: JsonValue | undefined,
): ReadonlyMap<string, TlsPolicy> {
  return readMap(reading, ['delivery', 'tls'], given, (key, value, path) => {
    const domain = key === '*' ? key : domainTableKey(key)
    if (domain === undefined) {
      reading.mistake(path, 'is not a domain', 'write a domain, .domain, or "*" for all others')
      return undefined
    }
    const policy = typeof value === 'string' ? parsePolicy(value) : undefined
    if (policy !== undefined) return [domain, policy]
    const remedy = `write one of ${tlsLevels.join(', ')}; after verify the names that the certificate must have, if they are not the host's`
    reading.mistake(path, `${JSON.stringify(value)} is no policy`, remedy)
    return undefined
  })
}

/** `encrypt`, or `verify mx1.example.org mx2.example.org`. */
function parsePolicy(text: string): TlsPolicy | undefined {
  const [word, ...names] = text.split(/[ \t]+/)
  const level = tlsLevels.find((each) => each === word)
  if (level === undefined) return undefined
  if (names.length === 0) return { level }
  const areNames = names.every((name) => domainTableKey(name) !== undefined && name[0] !== '.')
  return level === 'verify' && areNames ? { level, names } : undefined
}

type Path = readonly (string | number)[]

function readMap<T>(
  reading: Reading,
  path: Path,
  given: JsonValue | undefined,
  read: (key: string, value: JsonValue, at: Path) => readonly [string, T] | undefined,
): ReadonlyMap<string, T> {
  if (given === undefined || given === null) return new Map()
  if (!isMap(given)) {
    reading.mistake(path, 'is not a map by domain', 'write lines such as "example.org: ..."')
    return new Map()
  }
  return new Map(
    Object.entries(given).flatMap(([key, value]) => {
      const entry = read(key, value, [...path, key])
      return entry === undefined ? [] : [entry]
    }),
  )
}

function readAuthorities(
  reading: Reading,
  file: string,
  readText: (path: string) => string | undefined,
): string | undefined {
  const text = readText(file)
  const path = ['delivery', 'tls_ca']
  if (text === undefined) {
    reading.mistake(path, `there is no file ${file}`, 'write the path of a PEM file')
    return undefined
  }
  try {
    for (const pem of text.split(/(?=-----BEGIN )/).filter((part) => part.trim() !== '')) {
      void new X509Certificate(pem)
    }
    return text
  } catch (error) {
    const why = errorMessage(error)
    reading.mistake(path, `${file} holds no certificates: ${why}`, 'give certificates in PEM')
    return undefined
  }
}

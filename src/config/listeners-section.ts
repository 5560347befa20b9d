/** The section `listeners`. */
import type { JsonValue } from '../mail/json.ts'
import type { WrittenAt } from '../plugin/mistake.ts'
import { listenKey } from '../runtime/listen-key.ts'
import type { ListenAddress } from '../runtime/net.ts'
import type { ListenerRole } from '../smtp/policy.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import type { ListenerConfiguration } from './configuration.ts'
import type { Path } from './document.ts'
import { parseListenAddress } from './listen-address.ts'
import { listenerExtraKeys, readListenerExtras } from './listener-extras.ts'
import { readRecord } from './record-section.ts'
import { isMap, type Reading } from './reading.ts'
import { listenerTlsShape, readListenerTls, type ReadText } from './tls-section.ts'

const listenerShape = {
  name: option.string({ maxLength: 64 }),
  role: option.choice(['mx', 'submission', 'smtps', 'lmtp', 'qmtp', 'qmqp', 'pop3', 'pop3s'], {
    default: 'mx',
    description:
      'submission and smtps: for people who log in; lmtp: RFC 2033; qmtp and qmqp: qmail to qmail; pop3 and pop3s: their mailboxes (RFC 1939)',
  }),
  listen: option.string({
    description: '127.0.0.1:25, [::1]:25, the path of a UNIX socket, systemd:NAME or fd:3',
  }),
  socket_mode: optional(
    option.string({ description: 'Who may connect to a UNIX socket: "0660", in quotes' }),
  ),
  hand_over: option.boolean({
    default: false,
    description: 'For `postern smtpd` under tcpserver: believes whatever it says of its client',
  }),
  certificate: optional(
    option.string({ description: 'PEM file; absent: a self-signed one is made at first start' }),
  ),
  key: optional(option.string({ description: 'PEM file' })),
  ...listenerTlsShape,
  max_connections: option.integer({ default: 1000, min: 1, description: 'At one time' }),
  max_connections_per_address: option.integer({ default: 100, min: 1 }),
  max_connections_per_network: optional(
    option.integer({ min: 1, description: 'From one /24 or one /64; see network_prefix' }),
  ),
  max_load: optional(
    option.number({ min: 0, description: 'Load average of a minute; MAXLOAD is 100 times that' }),
  ),
  ident: optional(
    option.duration({
      description: 'So long a client’s host is asked before the greeting whose connection it is',
    }),
  ),
} as const

export interface ListenerSurroundings {
  readonly readText: ReadText
  /** A path relative to the configuration folder. */
  readonly absolute: (path: string) => string
  readonly place: (path: Path) => WrittenAt
}

/** A client waits five minutes for its greeting (RFC 5321 §4.5.3.2.1), and many not so long. */
const longestIdentMs = 60_000

export function readListeners(
  reading: Reading,
  given: JsonValue | undefined,
  surroundings: ListenerSurroundings,
): readonly ListenerConfiguration[] {
  const listeners = reading.list(['listeners'], given).flatMap((item, index) => {
    const listener = readListener(reading, item, ['listeners', index], surroundings)
    return listener === undefined ? [] : [listener]
  })
  const names = new Set<string>()
  const addresses = new Map<string, string>()
  for (const { name, place, address } of listeners) {
    const key = listenKey(address)
    const other = addresses.get(key)
    if (other !== undefined && !('port' in address && address.port === 0)) {
      reading.mistake(
        [...place.path, 'listen'],
        `${other} listens there already`,
        'give each listener its own address or port',
      )
    }
    addresses.set(key, name)
    if (names.has(name))
      reading.mistake(
        [...place.path, 'name'],
        `${name} is used twice`,
        'give each listener its own name',
      )
    names.add(name)
  }
  return listeners
}

function readListener(
  reading: Reading,
  item: JsonValue,
  path: Path,
  { readText, absolute, place }: ListenerSurroundings,
): ListenerConfiguration | undefined {
  const values = reading.section(path, listenerShape, item, [
    ...listenerExtraKeys,
    'receiver',
    'record',
  ])
  const extras = readListenerExtras(reading, path, item)
  const given = isMap(item) ? item['record'] : undefined
  const record = readRecord(reading, { path: [...path, 'record'], given, absolute })
  const address = readAddress(reading, path, { item, absolute })
  if (values === undefined || address === undefined) return undefined
  const { name, role, hand_over: handOver, ident: identMs } = values
  const isUnixSocket = 'path' in address
  const tls = readListenerTls({ reading, values, path, isUnixSocket, readText })
  const asked = values.socket_mode ?? (handOver ? '0600' : undefined)
  const socketMode = socketModeOf(reading, [...path, 'socket_mode'], asked)
  objectTo(reading, path, { item, role, address, handOver, identMs })
  return {
    name,
    role,
    address,
    ...(socketMode === undefined ? {} : { socketMode }),
    handOver,
    ...(record === undefined ? {} : { record }),
    receiver: isMap(item) ? item['receiver'] : undefined,
    ...(tls === undefined ? {} : { tls }),
    handshakeTimeoutMs: values.handshake_timeout,
    maxConnections: values.max_connections,
    maxConnectionsPerAddress: values.max_connections_per_address,
    maxConnectionsPerNetwork: values.max_connections_per_network,
    maxLoad: values.max_load,
    ...(identMs === undefined ? {} : { identMs }),
    ...extras,
    place: place(path),
  }
}

/** The address is judged even where other keys of the listener are wrong: all mistakes at once. */
function readAddress(
  reading: Reading,
  path: Path,
  { item, absolute }: { readonly item: JsonValue } & Pick<ListenerSurroundings, 'absolute'>,
): ListenAddress | undefined {
  const listen = isMap(item) ? item['listen'] : undefined
  if (typeof listen !== 'string') return undefined
  const address = parseListenAddress(listen)
  if (address === undefined) {
    reading.mistake(
      [...path, 'listen'],
      `'${listen}' is not an address with a port`,
      'write for instance 127.0.0.1:2525, [::1]:25, /run/postern/smtp.sock or systemd:smtp',
    )
    return undefined
  }
  return 'path' in address ? { path: absolute(address.path) } : address
}

type JudgedListener = Pick<ListenerConfiguration, 'role' | 'address' | 'handOver'> & {
  readonly identMs: number | undefined
  /** As it was written. */
  readonly item: JsonValue
}

/** Values that are right by themselves, and wrong beside others. */
function objectTo(
  reading: Reading,
  path: Path,
  { item, role, address, handOver, identMs }: JudgedListener,
): void {
  if (role === 'lmtp' && 'port' in address && address.port === 25) {
    reading.mistake(
      [...path, 'listen'],
      'LMTP must not be spoken on port 25 (RFC 2033 §5)',
      'choose another port, 24 for instance, or the path of a UNIX socket',
    )
  }
  if (handOver && 'port' in address) {
    reading.mistake(
      [...path, 'hand_over'],
      'would believe anybody who can connect to the port',
      'listen on the path of a UNIX socket',
    )
  }
  if (identMs !== undefined && identMs > longestIdentMs) {
    const remedy = 'write 26s, as tcpserver waits, or less: every greeting may come so late'
    reading.mistake([...path, 'ident'], 'is more than a minute', remedy)
  }
  for (const key of meaningless(role)) {
    if (!isMap(item) || item[key] === undefined || item[key] === false) continue
    const remedy = 'take it away, or let this listener have another role'
    const protocol = role.startsWith('pop3') ? 'POP3' : role.toUpperCase()
    reading.mistake([...path, key], `means nothing for ${protocol}`, remedy)
  }
}

/** Keys of a listener that a role has no use for. */
function meaningless(role: ListenerRole): readonly string[] {
  switch (role) {
    case 'pop3':
    case 'pop3s':
      return ['hand_over', 'proxy_protocol', 'max_load', 'record', 'ident']
    case 'qmtp':
    case 'qmqp':
      return ['record']
    default:
      return []
  }
}

function socketModeOf(reading: Reading, path: Path, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8)
  reading.mistake(path, `'${text}' is no file mode`, 'write three octal digits, such as "0660"')
  return undefined
}

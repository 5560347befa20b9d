/** What a listener says of TLS: its mode, its certificates, what it asks of clients. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import type { Option, OptionValues } from '../plugin/option.ts'
import type { TlsIdentity } from '../runtime/net.ts'
import type { ListenerRole } from '../smtp/policy.ts'
import type { Path } from './document.ts'
import { isMap, type Reading } from './reading.ts'

export interface ListenerTls {
  readonly mode: 'starttls' | 'implicit'
  /** In order; empty: the gateway's own, self-signed. */
  readonly identities: readonly WrittenIdentity[]
  readonly clients?: { readonly authorities: string; readonly required: boolean }
}

/** A certificate, and the key below which it stands in the listener: `[]`, or `['certificates', 0]`. */
export interface WrittenIdentity extends TlsIdentity {
  readonly at: Path
}

/** The text of a file, relative to the configuration folder, or undefined where there is none. */
export type ReadText = (path: string) => string | undefined

/** Parts that are read here, with lines of their own; by other names nobody would miss them in the list of options. */
function part(type: string, description: string): Option<JsonValue> {
  return {
    type,
    description,
    schema: {},
    default: null,
    parse: (value) => ({ ok: true, value }),
    fromText: (text) => ({ ok: true, value: text }),
  }
}

/** Beside `name` and `listen`. */
export const listenerTlsShape = {
  tls: option.choice(['auto', 'off', 'starttls', 'implicit'], {
    default: 'auto',
    description:
      '`auto`: implicit with the roles smtps and pop3s; else starttls, but off on a UNIX socket without a certificate',
  }),
  certificates: part(
    'list of certificates',
    'Shown to clients that ask for one of their names: [{ certificate: FILE, key: FILE }]',
  ),
  client_certificates: part('map', '{ ca: FILE, required: true or false }: clients are asked'),
  handshake_timeout: option.duration({ default: '30s' }),
} as const

const clientsShape = {
  ca: option.string({ description: 'PEM file: the authorities that are trusted' }),
  required: option.boolean({ default: false, description: 'Without a certificate no session' }),
} as const

type Values = OptionValues<typeof listenerTlsShape> & {
  readonly certificate: string | undefined
  readonly key: string | undefined
  readonly role: ListenerRole
}

export interface ListenerTlsRequest {
  readonly reading: Reading
  readonly values: Values
  /** The listener's. */
  readonly path: Path
  readonly isUnixSocket: boolean
  readonly readText: ReadText
}

/** @returns undefined where TLS is off; mistakes are in the reading */
export function readListenerTls(request: ListenerTlsRequest): ListenerTls | undefined {
  const { reading, values, path, isUnixSocket } = request
  const identities = [...firstIdentity(request), ...otherIdentities(request)]
  const clients = readClients(request)
  const asked = identities.length > 0 || clients !== undefined
  if (values.tls === 'off' && asked) {
    reading.mistake([...path, 'tls'], 'is off, and certificates are named', 'take one of them away')
  }
  const { role } = values
  const securely = role === 'smtps' || role === 'pop3s'
  const inPackets = role === 'qmtp' || role === 'qmqp'
  const fromTheStart = securely || (inPackets && asked)
  const implicit = values.tls === 'implicit' || (values.tls === 'auto' && fromTheStart)
  if (inPackets && values.tls === 'starttls') {
    const remedy = 'write implicit or off'
    reading.mistake([...path, 'tls'], 'cannot be begun within QMTP or QMQP', remedy)
  }
  const bare = values.tls === 'auto' && !implicit && (inPackets || (isUnixSocket && !asked))
  if (values.tls === 'off' || bare) return undefined
  return {
    mode: implicit ? 'implicit' : 'starttls',
    identities,
    ...(clients === undefined ? {} : { clients }),
  }
}

function firstIdentity(request: ListenerTlsRequest): readonly WrittenIdentity[] {
  const { certificate, key } = request.values
  return certificate === undefined && key === undefined
    ? []
    : readIdentity(request, { certificate, key }, [])
}

function otherIdentities(request: ListenerTlsRequest): readonly WrittenIdentity[] {
  const { reading, values, path } = request
  return reading
    .list([...path, 'certificates'], values.certificates)
    .flatMap((item, index): readonly WrittenIdentity[] => {
      const at = ['certificates', index]
      const texts = isMap(item) ? textsOf(item) : undefined
      if (texts !== undefined) return readIdentity(request, texts, at)
      const remedy = 'write { certificate: FILE, key: FILE }'
      reading.mistake([...path, ...at], 'is not a certificate with its key', remedy)
      return []
    })
}

interface Files {
  readonly certificate: string | undefined
  readonly key: string | undefined
}

function textsOf({ certificate, key, ...others }: JsonObject): Files | undefined {
  const fits = typeof certificate === 'string' && typeof key === 'string'
  return fits && Object.keys(others).length === 0 ? { certificate, key } : undefined
}

function readIdentity(
  request: ListenerTlsRequest,
  files: Files,
  at: Path,
): readonly WrittenIdentity[] {
  const { reading, path } = request
  const read = (field: keyof Files): string | undefined => {
    const file = files[field]
    if (file !== undefined) return readPem(request, file, [...at, field])
    reading.mistake([...path, ...at], `${field} is missing`, 'give both certificate and key')
    return undefined
  }
  const [certificate, key] = [read('certificate'), read('key')]
  return certificate === undefined || key === undefined ? [] : [{ certificate, key, at }]
}

function readClients(request: ListenerTlsRequest): ListenerTls['clients'] {
  const { reading, path, values } = request
  const given = values.client_certificates
  if (given === null) return undefined
  const read = reading.section([...path, 'client_certificates'], clientsShape, given)
  if (read === undefined) return undefined
  const authorities = readPem(request, read.ca, ['client_certificates', 'ca'])
  return authorities === undefined ? undefined : { authorities, required: read.required }
}

function readPem(
  { reading, path, readText }: ListenerTlsRequest,
  file: string,
  at: Path,
): string | undefined {
  const text = readText(file)
  if (text === undefined) {
    reading.mistake([...path, ...at], `there is no file ${file}`, 'write the path of a PEM file')
  }
  return text
}

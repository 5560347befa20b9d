/** The sections `alerts` and `telemetry`: who is told of trouble, and where the spans of transactions go. */
import { Secret } from '../formats/secret.ts'
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import type { Path } from './document.ts'
import { isMap, type Reading } from './reading.ts'

/** Who is told of what. */
const alertsShape = {
  to: option.strings({ default: [], description: 'Addresses that a mail goes to' }),
  webhook: optional(option.string({ description: 'https://…: called with JSON for each alert' })),
  webhook_secret_file: optional(
    option.string({ description: 'Signs the calls: X-Postern-Signature (HMAC-SHA-256)' }),
  ),
  every: option.duration({
    default: '30s',
    description:
      'How often the numbers are looked at: what two looks find counts, and four its end, a minute and two at most',
  }),
  mails_per_hour: option.integer({ default: 12, min: 1, description: 'What is more waits' }),
  queue_messages: option.integer({
    default: 10_000,
    min: 1,
    description: 'That wait, not on hold',
  }),
  queue_age: option.duration({
    default: '1h',
    description: 'Age of a message that was never tried',
  }),
  deferred_age: optional(
    option.duration({ description: 'Age of a message that was tried before; left out: any' }),
  ),
  dependency_down: option.duration({
    default: '5m',
    description: 'How long an entry may go without what it depends on',
  }),
  signatures_age: option.duration({ default: '3d', description: 'Of virus signatures' }),
  certificate: option.duration({ default: '21d', description: 'Before a certificate expires' }),
  disk_free: option.number({
    default: 10,
    min: 0,
    max: 100,
    description: 'Percent of space, and of inodes, where the spool lies',
  }),
} as const

/** Where spans go; `headers` is read beside it. */
const telemetryShape = {
  traces: option.string({
    description: 'OTLP over HTTP with JSON, such as http://127.0.0.1:4318/v1/traces',
  }),
  sample: option.number({ default: 0.01, min: 0, max: 1, description: 'Share of transactions' }),
  service: option.string({ default: 'postern', maxLength: 64 }),
} as const

export interface AlertsConfiguration {
  readonly to: readonly Mailbox[]
  readonly webhook?: { readonly url: URL; readonly secret?: Secret }
  readonly lookEveryMs: number
  readonly mailsPerHour: number
  readonly queueMessages: number
  readonly queueAgeMs: number
  /** Absent: no limit. */
  readonly deferredAgeMs?: number
  readonly dependencyDownMs: number
  readonly signaturesAgeMs: number
  readonly certificateMs: number
  readonly diskFreePercent: number
}

export interface TelemetryConfiguration {
  /** Of the collector: OTLP over HTTP, JSON. */
  readonly traces: URL
  /** Which share of the transactions, from 0 to 1. */
  readonly sample: number
  readonly service: string
  readonly headers: ReadonlyMap<string, Secret>
}

export interface ObservingConfiguration {
  /** Absent: nobody is told. */
  readonly alerts?: AlertsConfiguration
  /** Absent: nothing is exported. */
  readonly telemetry?: TelemetryConfiguration
}

/** @param readText of a file; undefined where there is none */
export function readObserving(
  reading: Reading,
  top: JsonObject,
  readText: (path: string) => string | undefined,
): ObservingConfiguration {
  const alerts = readAlerts(reading, top, readText)
  const telemetry = readTelemetry(reading, top)
  return {
    ...(alerts === undefined ? {} : { alerts }),
    ...(telemetry === undefined ? {} : { telemetry }),
  }
}

function readAlerts(
  reading: Reading,
  top: JsonObject,
  readText: (path: string) => string | undefined,
): AlertsConfiguration | undefined {
  const given = top['alerts']
  if (given === undefined || given === null) return undefined
  const values = reading.section(['alerts'], alertsShape, given)
  if (values === undefined) return undefined
  const { to, webhook, webhook_secret_file: secretFile, deferred_age: deferredAgeMs } = values
  if (to.length === 0 && webhook === undefined) {
    const remedy =
      'write to: [postmaster@example.org], or webhook: https://…; or take the section out'
    reading.mistake(['alerts'], 'tells nobody', remedy)
  }
  const url = readUrl(reading, ['alerts', 'webhook'], webhook)
  const secret = readSecret(reading, secretFile, readText)
  return {
    to: to.flatMap((address, index) => readMailbox(reading, ['alerts', 'to', index], address)),
    ...(url === undefined ? {} : { webhook: { url, ...(secret === undefined ? {} : { secret }) } }),
    lookEveryMs: Math.max(1_000, values.every),
    mailsPerHour: values.mails_per_hour,
    queueMessages: values.queue_messages,
    queueAgeMs: values.queue_age,
    ...(deferredAgeMs === undefined ? {} : { deferredAgeMs }),
    dependencyDownMs: values.dependency_down,
    signaturesAgeMs: values.signatures_age,
    certificateMs: values.certificate,
    diskFreePercent: values.disk_free,
  }
}

function readMailbox(reading: Reading, path: Path, written: string): readonly Mailbox[] {
  const mailbox = parseMailbox(written, { smtputf8: true })
  if (mailbox !== undefined) return [mailbox]
  const remedy = 'write an address, such as postmaster@example.org'
  reading.mistake(path, `'${written}' is not an address`, remedy)
  return []
}

function readUrl(reading: Reading, path: Path, written: string | undefined): URL | undefined {
  if (written === undefined) return undefined
  const url = URL.canParse(written) ? new URL(written) : undefined
  const plain = url?.username === '' && url.password === ''
  if (plain && (url.protocol === 'https:' || url.protocol === 'http:')) return url
  const remedy = 'write https://example.org/path, without a login in it'
  // Not repeated: who knows the address of a webhook may call it.
  reading.mistake(path, 'is no address of a web server', remedy)
  return undefined
}

function readSecret(
  reading: Reading,
  path: string | undefined,
  readText: (path: string) => string | undefined,
): Secret | undefined {
  if (path === undefined) return undefined
  const text = readText(path)?.trim() ?? ''
  if (text !== '') return new Secret(text)
  const remedy = 'write a secret into it, such as the output of: openssl rand -hex 32'
  reading.mistake(['alerts', 'webhook_secret_file'], `${path} is missing or empty`, remedy)
  return undefined
}

function readTelemetry(reading: Reading, top: JsonObject): TelemetryConfiguration | undefined {
  const given = top['telemetry']
  if (given === undefined || given === null) return undefined
  const values = reading.section(['telemetry'], telemetryShape, given, ['headers'])
  if (values === undefined) return undefined
  const traces = readUrl(reading, ['telemetry', 'traces'], values.traces)
  const headers = readHeaders(reading, given)
  return traces && { traces, sample: values.sample, service: values.service, headers }
}

function readHeaders(reading: Reading, section: JsonValue): ReadonlyMap<string, Secret> {
  const given = isMap(section) ? section['headers'] : undefined
  if (given === undefined || given === null) return new Map()
  const path = ['telemetry', 'headers']
  if (!isMap(given)) {
    reading.mistake(path, 'is not a map of header fields', 'write headers: { Authorization: "…" }')
    return new Map()
  }
  return new Map(
    Object.entries(given).flatMap(([name, value]) => {
      const fits = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
      if (fits && typeof value === 'string' && /^[\x20-\x7e]*$/.test(value)) {
        return [[name, new Secret(value)] as const]
      }
      const remedy = 'write a name and a text of printable ASCII, in quotes'
      reading.mistake([...path, name], 'is no header field', remedy)
      return []
    }),
  )
}

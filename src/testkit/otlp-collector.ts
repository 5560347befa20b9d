/**
 * Reads an export request as a strict collector would (opentelemetry-proto, `ExportTraceServiceRequest` in JSON): field
 * names in lowerCamelCase, ids as hexadecimal digits, 64 bits as texts. Whatever is otherwise is an error.
 */
import type { JsonObject, JsonValue } from '../mail/json.ts'

export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: ReadonlyMap<string, string | number | boolean>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly isError: boolean
  readonly service: string | number | boolean | undefined
}

/** @throws Error that says what is wrong */
export function readExportRequest(body: string): readonly CollectedSpan[] {
  const request: JsonValue = JSON.parse(body)
  return list(object(request, ['resourceSpans'])['resourceSpans']).flatMap((each) => {
    const { resource, scopeSpans } = object(each, ['resource', 'scopeSpans'])
    const known = attributesOf(object(resource, ['attributes'])['attributes'])
    return list(scopeSpans).flatMap((scoped) => {
      const { scope, spans } = object(scoped, ['scope', 'spans'])
      text(object(scope, ['name'])['name'])
      return list(spans).map((span) => readSpan(span, known.get('service.name')))
    })
  })
}

const spanFields = [
  'traceId',
  'spanId',
  'parentSpanId',
  'name',
  'kind',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'attributes',
  'links',
  'status',
]

function readSpan(value: JsonValue | undefined, service: CollectedSpan['service']): CollectedSpan {
  const span = object(value, spanFields)
  const { kind, status, parentSpanId, links } = span
  if (typeof kind !== 'number' || kind < 1 || kind > 5) throw new Error('no kind of span')
  const startNs = unsigned(span['startTimeUnixNano'])
  const endNs = unsigned(span['endTimeUnixNano'])
  if (endNs < startNs) throw new Error('ends before it begins')
  return {
    traceId: id(span['traceId'], 32),
    spanId: id(span['spanId'], 16),
    parentSpanId: parentSpanId === undefined ? undefined : id(parentSpanId, 16),
    name: text(span['name']),
    startNs,
    endNs,
    attributes: attributesOf(span['attributes']),
    links: list(links ?? []).map((each) => {
      const link = object(each, ['traceId', 'spanId'])
      return { traceId: id(link['traceId'], 32), spanId: id(link['spanId'], 16) }
    }),
    isError: status !== undefined && object(status, ['code', 'message'])['code'] === 2,
    service,
  }
}

function attributesOf(
  value: JsonValue | undefined,
): ReadonlyMap<string, string | number | boolean> {
  const read = new Map<string, string | number | boolean>()
  for (const each of list(value)) {
    const { key, value: any } = object(each, ['key', 'value'])
    const [[kind, inner] = ['', undefined], ...more] = Object.entries(
      object(any, ['stringValue', 'intValue', 'doubleValue', 'boolValue']),
    )
    if (more.length > 0) throw new Error('a value of two kinds')
    const name = text(key)
    if (read.has(name)) throw new Error(`${name} comes twice`)
    if (kind === 'intValue') read.set(name, Number(unsigned(inner)))
    else if (kind === 'stringValue') read.set(name, text(inner))
    else if (typeof inner === 'number' || typeof inner === 'boolean') read.set(name, inner)
    else throw new Error(`${name} has no value`)
  }
  return read
}

function object(value: JsonValue | undefined, fields: readonly string[]): Partial<JsonObject> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('no object')
  }
  const read: Partial<JsonObject> = Object.fromEntries(Object.entries(value))
  const stranger = Object.keys(read).find((key) => !fields.includes(key))
  if (stranger !== undefined) throw new Error(`a field ${stranger}`)
  return read
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw new Error('no list')
  return value
}

function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Error('no text')
  return value
}

function id(value: JsonValue | undefined, digits: number): string {
  const written = text(value)
  const fits = written.length === digits && /^[0-9a-f]+$/.test(written) && !/^0+$/.test(written)
  if (!fits) throw new Error(`no id: ${written}`)
  return written
}

function unsigned(value: JsonValue | undefined): bigint {
  const written = text(value)
  if (!/^\d{1,20}$/.test(written)) throw new Error(`no number: ${written}`)
  return BigInt(written)
}

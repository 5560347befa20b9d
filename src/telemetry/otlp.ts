/** The parts of OTLP over HTTP with JSON that we say (opentelemetry-proto, trace/v1); ids as hexadecimal digits. */
import type { JsonObject } from '../mail/json.ts'

// Types, not interfaces: only they can be JSON values.
export type OtlpAttribute = {
  readonly key: string
  readonly value:
    | { readonly stringValue: string }
    /** 64 bits: written as a text. */
    | { readonly intValue: string }
    | { readonly doubleValue: number }
    | { readonly boolValue: boolean }
}

export type OtlpLink = { readonly traceId: string; readonly spanId: string }

export const spanKinds = { internal: 1, server: 2, client: 3 } as const

export type OtlpSpan = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: (typeof spanKinds)[keyof typeof spanKinds]
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly OtlpAttribute[]
  readonly links?: readonly OtlpLink[]
  /** 2: an error. */
  readonly status?: { readonly code: 2; readonly message: string }
}

export type AttributeValue = string | number | boolean | undefined

export function attributes(
  values: Readonly<Record<string, AttributeValue>>,
): readonly OtlpAttribute[] {
  return Object.entries(values).flatMap(([key, value]): readonly OtlpAttribute[] => {
    if (value === undefined) return []
    if (typeof value === 'string') return [{ key, value: { stringValue: value.toWellFormed() } }]
    if (typeof value === 'boolean') return [{ key, value: { boolValue: value } }]
    return Number.isInteger(value)
      ? [{ key, value: { intValue: String(value) } }]
      : [{ key, value: { doubleValue: value } }]
  })
}

/** @param ms since 1970, with fractions */
export function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n)
}

export interface OtlpResource {
  readonly service: string
  readonly hostname: string
  /** Which worker of the gateway. */
  readonly instance: string
}

export function exportRequest(
  spans: readonly OtlpSpan[],
  { service, hostname, instance }: OtlpResource,
): JsonObject {
  const resource = {
    'service.name': service,
    'service.instance.id': instance,
    'host.name': hostname,
  }
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes(resource) },
        scopeSpans: [{ scope: { name: 'postern' }, spans }],
      },
    ],
  }
}

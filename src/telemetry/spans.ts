/**
 * Spans of what is over: a transaction with its stages and entries, and the tries to deliver it. No address and no text
 * of a message is in them; the queue id leads to `postern trace`.
 */
import type { Step } from '../filter/step.ts'
import type { TraceHead, TraceTimes } from '../filter/trace-record.ts'
import { isSampled, spanIdOf, traceIdOf } from './ids.ts'
import { attributes, nanoseconds, spanKinds, type OtlpLink, type OtlpSpan } from './otlp.ts'

export interface EndedTransaction {
  readonly record: TraceHead
  readonly times: TraceTimes
  readonly steps: readonly Step[]
  /** When the session began, by the clock of the steps. */
  readonly sessionStartMs: number
}

/** One try for one recipient. */
export interface EndedDelivery {
  readonly queueId: string
  readonly transport: string
  readonly route: string
  readonly outcome: string
  readonly status: string
  /** In milliseconds since 1970. */
  readonly startedAt: number
  readonly durationMs: number
}

/** Spans of one transaction; a client cannot make more of them by greeting over and over. */
const mostSpans = 500

/** What a transaction is named by: its first message in the queue, or itself where there is none. */
export function keyOf({ id, queueIds = [] }: Pick<TraceHead, 'id' | 'queueIds'>): string {
  return queueIds[0] ?? id
}

export function transactionSpans(ended: EndedTransaction, share: number): readonly OtlpSpan[] {
  const { record, times, sessionStartMs } = ended
  const key = keyOf(record)
  const at = (monotonicMs: number): number => times.at + (monotonicMs - sessionStartMs)
  const steps = stepsOf(ended).slice(0, mostSpans)
  const start = Math.min(times.endedAt, ...steps.map(({ startedMs }) => at(startedMs)))
  const trace = { key, at }
  const stages = Map.groupBy(steps, ({ stage }) => stage)
  return [
    rootSpan(record, { start, end: Math.max(start, times.endedAt), share }),
    ...[...stages].flatMap(([stage, own]) => stageSpans(stage, own, trace)),
  ]
}

/** Connect and greeting belong to the first transaction of their session. */
function stepsOf({ record, steps }: EndedTransaction): readonly Step[] {
  const asked = steps.filter(({ kind }) => kind === 'asked')
  const isFirst = record.id === record.session || record.id.endsWith('.1')
  if (isFirst) return asked
  return asked.filter(({ stage }) => stage !== 'connect' && stage !== 'hello' && stage !== 'auth')
}

function rootSpan(
  record: TraceHead,
  { start, end, share }: { readonly start: number; readonly end: number; readonly share: number },
): OtlpSpan {
  const key = keyOf(record)
  const { queueIds = [], reply } = record
  const links = queueIds.slice(1).flatMap((id) => (isSampled(id, share) ? [linkTo(id)] : []))
  return {
    traceId: traceIdOf(key),
    spanId: spanIdOf(key),
    name: 'smtp transaction',
    kind: spanKinds.server,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributes({
      'network.protocol.name': 'smtp',
      'postern.transaction': record.id,
      'postern.listener': record.listener,
      'postern.outcome': record.end,
      'postern.queue_id': queueIds[0],
      'postern.recipients': record.recipients.length,
      'postern.reply_code': reply?.[0],
      'postern.size_bytes': record.sizeBytes,
      'tls.protocol.version': record.tls,
    }),
    ...(links.length === 0 ? {} : { links }),
  }
}

interface Trace {
  readonly key: string
  readonly at: (monotonicMs: number) => number
}

function stageSpans(stage: string, steps: readonly Step[], trace: Trace): readonly OtlpSpan[] {
  const { key, at } = trace
  const start = Math.min(...steps.map(({ startedMs }) => startedMs))
  const end = Math.max(...steps.map(({ startedMs, durationMs }) => startedMs + durationMs))
  const spanId = spanIdOf(key, stage)
  const own: OtlpSpan = {
    traceId: traceIdOf(key),
    spanId,
    parentSpanId: spanIdOf(key),
    name: stage,
    kind: spanKinds.internal,
    startTimeUnixNano: nanoseconds(at(start)),
    endTimeUnixNano: nanoseconds(at(end)),
    attributes: attributes({ 'postern.stage': stage }),
  }
  return [own, ...steps.map((step, index) => entrySpan(step, { index, parent: spanId, trace }))]
}

function entrySpan(
  { place, stage, round, verdict, fault, startedMs, durationMs }: Step,
  {
    index,
    parent,
    trace,
  }: { readonly index: number; readonly parent: string; readonly trace: Trace },
): OtlpSpan {
  const { key, at } = trace
  const { entry, question } = place
  return {
    traceId: traceIdOf(key),
    spanId: spanIdOf(key, `${stage} ${index}`),
    parentSpanId: parent,
    name: entry.name,
    kind: spanKinds.internal,
    startTimeUnixNano: nanoseconds(at(startedMs)),
    endTimeUnixNano: nanoseconds(at(startedMs + durationMs)),
    attributes: attributes({
      'postern.entry': entry.name,
      'postern.plugin': entry.plugin,
      'postern.question': question,
      'postern.mode': entry.shadow ? 'shadow' : 'enforce',
      'postern.verdict': verdict.verdict,
      'postern.reason': verdict.reason,
      'postern.recipient': round === 0 ? undefined : round,
    }),
    ...(fault === undefined ? {} : { status: { code: 2, message: fault.kind } }),
  }
}

/** @param number tells tries apart that one process made */
export function deliverySpan(delivery: EndedDelivery, number: number): OtlpSpan {
  const { queueId, transport, route, outcome, status, startedAt, durationMs } = delivery
  return {
    traceId: traceIdOf(queueId),
    spanId: spanIdOf(queueId, `delivery ${startedAt} ${number}`),
    name: `delivery ${transport}`,
    kind: spanKinds.client,
    startTimeUnixNano: nanoseconds(startedAt),
    endTimeUnixNano: nanoseconds(startedAt + durationMs),
    attributes: attributes({
      'postern.queue_id': queueId,
      'postern.transport': transport,
      'postern.route': route,
      'postern.outcome': outcome,
      'postern.status': status,
    }),
    links: [linkTo(queueId)],
    ...(outcome === 'failed' ? { status: { code: 2, message: status } } : {}),
  }
}

/** To the transaction that a queued message came in. */
function linkTo(queueId: string): OtlpLink {
  return { traceId: traceIdOf(queueId), spanId: spanIdOf(queueId) }
}

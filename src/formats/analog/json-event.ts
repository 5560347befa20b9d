/** A line of Postern's JSON log, as far as it tells of messages and deliveries. */
import type { JsonObject, JsonValue } from '../../mail/json.ts'
import { oneWord } from '../qmail-log/words.ts'
import type { DeliveryRecord, QueuedMessage } from './records.ts'

export type JsonEvent =
  | { readonly what: 'queued'; readonly message: string; readonly queued: QueuedMessage }
  | { readonly what: 'ended'; readonly message: string; readonly at: string }
  | { readonly what: 'warning' }
  | ({
      readonly what: 'delivery'
      readonly message: string
      readonly channel: string
    } & Pick<DeliveryRecord, 'recipient' | 'start' | 'end' | 'result' | 'reason'>)

type Fields = { readonly [name: string]: JsonValue | undefined }

const results: ReadonlyMap<string, DeliveryRecord['result']> = new Map([
  ['delivery.delivered', 'k'],
  ['delivery.failed', 'd'],
  ['delivery.deferred', 'z'],
])

/** Rooms of the gateway whose warnings matter to whoever reads of deliveries. */
const troubled = /^(?:bounce|courier|delivery|log|queue|shard|spool|worker)\./

/** @returns undefined for events of other kinds, and for what is no event */
export function readJsonEvent(line: string): JsonEvent | undefined {
  // Most lines of a log are of other kinds, and reading them whole costs most.
  if (!line.includes('"event":"message.') && !line.includes('"event":"delivery.')) {
    return isTrouble(line) ? { what: 'warning' } : undefined
  }
  const fields = parsed(line)
  if (fields === undefined) return undefined
  const { event, time, queueId } = fields
  if (typeof event !== 'string' || typeof time !== 'number' || typeof queueId !== 'string') {
    return undefined
  }
  if (event === 'message.queued') {
    return { what: 'queued', message: queueId, queued: queuedOf(fields, time, queueId) }
  }
  if (event === 'message.ended' || event === 'message.removed') {
    return { what: 'ended', message: queueId, at: decimal(time) }
  }
  const result = results.get(event)
  return result === undefined ? undefined : deliveryOf(fields, { time, queueId, result })
}

function queuedOf(fields: Fields, time: number, qp: string): QueuedMessage {
  const { sizeBytes, reversePath } = fields
  return {
    bytes: typeof sizeBytes === 'number' ? sizeBytes : 0,
    sender: oneWord(typeof reversePath === 'string' ? reversePath : '<>').toLowerCase(),
    qp,
    uid: '0',
    birth: decimal(time),
  }
}

function deliveryOf(
  fields: Fields,
  { time, queueId, result }: { time: number; queueId: string; result: DeliveryRecord['result'] },
): JsonEvent | undefined {
  const { recipient, channel, durationMs, text, remote } = fields
  if (typeof recipient !== 'string') return undefined
  const host = typeof remote === 'string' ? `${remote} said: ` : ''
  return {
    what: 'delivery',
    message: queueId,
    channel: channel === 'local' ? 'local' : 'remote',
    recipient: oneWord(recipient).toLowerCase(),
    start: decimal(time - (typeof durationMs === 'number' ? durationMs : 0)),
    end: decimal(time),
    result,
    reason: typeof text === 'string' && text !== '' ? oneWord(`${host}${text}\n`) : '',
  }
}

function isTrouble(line: string): boolean {
  if (!line.startsWith('{"level":"warn"') && !line.startsWith('{"level":"error"')) return false
  const event = /"event":"([^"]{1,64})"/.exec(line)?.[1]
  return event !== undefined && troubled.test(event)
}

function parsed(line: string): Fields | undefined {
  try {
    const value = JSON.parse(line) as JsonValue
    return isMap(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decimal(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3)
}

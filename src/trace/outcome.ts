import type { JsonObject } from '../mail/json.ts'
import { list, number, object } from '../filter/read-json.ts'
import type { TraceOutcome } from './trace-summary.ts'

/**
 * What became of it, in one word. A client that was refused all of its recipients and then gave up was refused, whatever the
 * receiver calls the end.
 */
export function outcomeOf(record: JsonObject): TraceOutcome {
  if (record['end'] === 'committed') return ofCommitted(record)
  const anyAccepted = list(record['recipients']).some((recipient) => list(recipient)[1] === 1)
  if (record['end'] !== 'refused' && anyAccepted) return 'abandoned'
  const code = number(list(record['reply'])[0]) || number(object(record['objection'])['code'])
  if (record['end'] === 'refused' && code === 0) return 'refused'
  if (code < 400) return 'abandoned'
  return code < 500 ? 'deferred' : 'refused'
}

function ofCommitted(record: JsonObject): TraceOutcome {
  if (record['placements'] === undefined) return 'accepted'
  const placements = list(record['placements']).map((placement) => object(placement)['disposition'])
  if (placements.length === 0 || placements.includes('deliver')) return 'accepted'
  return placements.includes('hold') ? 'quarantined' : 'discarded'
}

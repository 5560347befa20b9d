import type { JsonObject } from '../mail/json.ts'
import { isObject, list, number, object, text } from '../filter/read-json.ts'
import { outcomeOf } from './outcome.ts'
import type { TraceSummary } from './trace-summary.ts'

/** Why it was refused, held or discarded; of several placements the first that is no plain delivery. */
export function whyEnded(record: JsonObject): Pick<TraceSummary, 'reason' | 'entry' | 'reply'> {
  const outcome = outcomeOf(record)
  const placement = list(record['placements'])
    .map(object)
    .find(({ disposition }) => disposition !== 'deliver')
  if (outcome === 'quarantined' || outcome === 'discarded') return named(placement ?? {})
  if (outcome === 'accepted') return {}
  const { objection, ruled = record['receiver'] } = record
  if (!isObject(objection)) return typeof ruled === 'string' ? { reason: ruled } : {}
  const said = {
    code: number(objection['code']),
    status: text(objection['status']),
    text: text(objection['text']),
  }
  return { ...named(objection), ...(record['reply'] === undefined ? { reply: said } : {}) }
}

function named({ reason, entry }: JsonObject): Pick<TraceSummary, 'reason' | 'entry'> {
  return {
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof entry === 'string' ? { entry } : {}),
  }
}

/** One line's worth of a record. */
import type { JsonObject } from '../mail/json.ts'
import { isObject, list, number, object, text, texts } from '../filter/read-json.ts'
import { clientOf } from './describe-record.ts'
import { outcomeOf } from './outcome.ts'
import type { TraceSummary } from './trace-summary.ts'

const mostRecipients = 20

export function summaryOf(record: JsonObject): TraceSummary {
  const recipients = list(record['recipients']).map((recipient) => {
    const [address, accepted] = list(recipient)
    return { address: text(address), accepted: accepted === 1 }
  })
  const reply = record['reply'] === undefined ? {} : { reply: readReply(record) }
  const { score, sizeBytes } = record
  return {
    id: text(record['id']),
    session: text(record['session']),
    startedAt: number(record['at']),
    endedAt: number(record['endedAt']),
    listener: text(record['listener']),
    client: clientOf(record),
    ...optional(record, ['via', 'hello', 'user', 'reversePath', 'messageId']),
    recipients: recipients.slice(0, mostRecipients),
    recipientCount: recipients.length,
    acceptedCount: recipients.filter(({ accepted }) => accepted).length,
    outcome: outcomeOf(record),
    stage: text(record['stage']),
    ...reply,
    ...whyOf(record),
    ...(typeof score === 'number' ? { score } : {}),
    queueIds: texts(record['queueIds']),
    ...(typeof sizeBytes === 'number' ? { sizeBytes } : {}),
  }
}

type OptionalKey = 'via' | 'hello' | 'user' | 'reversePath' | 'messageId'

function optional(
  record: JsonObject,
  keys: readonly OptionalKey[],
): Partial<Record<OptionalKey, string>> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = record[key]
      return typeof value === 'string' ? [[key, value] as const] : []
    }),
  )
}

/** What the client was told in the end; where it gave up, what it was told last. */
function readReply(record: JsonObject): NonNullable<TraceSummary['reply']> {
  const [code, status, said] = list(record['reply'])
  return { code: number(code), status: text(status), text: text(said) }
}

/** Of several placements the first that is no plain delivery. */
function whyOf(record: JsonObject): Pick<TraceSummary, 'reason' | 'entry' | 'reply'> {
  const outcome = outcomeOf(record)
  const placement = list(record['placements'])
    .map(object)
    .find(({ disposition }) => disposition !== 'deliver')
  if (outcome === 'quarantined' || outcome === 'discarded') return named(placement ?? {})
  if (outcome === 'accepted') return {}
  const { objection, ruled } = record
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

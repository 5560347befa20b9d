/** One line's worth of a record. */
import type { JsonObject } from '../mail/json.ts'
import { list, number, text, texts } from '../filter/read-json.ts'
import { clientOf } from './describe-record.ts'
import { outcomeOf } from './outcome.ts'
import type { TraceSummary } from './trace-summary.ts'
import { whyEnded } from './why-ended.ts'

const mostRecipients = 20

export function summaryOf(record: JsonObject, cursor = ''): TraceSummary {
  const recipients = list(record['recipients']).map((recipient) => {
    const [address, accepted] = list(recipient)
    return { address: text(address), accepted: accepted === 1 }
  })
  const reply = record['reply'] === undefined ? {} : { reply: readReply(record) }
  const { score, sizeBytes } = record
  return {
    cursor,
    id: text(record['id']),
    session: text(record['session']),
    startedAt: number(record['at']),
    endedAt: number(record['endedAt']),
    listener: text(record['listener']),
    client: clientOf(record),
    ...optional(record, ['via', 'hello', 'user', 'failedLogin', 'reversePath', 'messageId']),
    recipients: recipients.slice(0, mostRecipients),
    recipientCount: recipients.length,
    acceptedCount: recipients.filter(({ accepted }) => accepted).length,
    outcome: outcomeOf(record),
    stage: text(record['stage']),
    ...reply,
    ...whyEnded(record),
    ...(typeof score === 'number' ? { score } : {}),
    queueIds: texts(record['queueIds']),
    ...(typeof sizeBytes === 'number' ? { sizeBytes } : {}),
  }
}

type OptionalKey = 'via' | 'hello' | 'user' | 'failedLogin' | 'reversePath' | 'messageId'

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

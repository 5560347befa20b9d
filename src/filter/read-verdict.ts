/** From the details of a step, as they were stored, to the verdict that they were. */
import type { JsonObject } from '../mail/json.ts'
import {
  isPermanent,
  isTransient,
  type PermanentStatus,
  type TransientStatus,
} from '../mail/status.ts'
import type { Finding } from '../plugin/finding.ts'
import {
  accept,
  defer,
  discard,
  pass,
  perRecipient,
  quarantine,
  reject,
  type RecipientVerdict,
  type RefusalOptions,
  type AnyVerdict,
} from '../plugin/verdict.ts'
import { isObject, list, number, numbers, object, text } from './read-json.ts'

/** What decisions depend on; edits change no reply. */
export function readVerdict(details: JsonObject): AnyVerdict {
  if (details['verdict'] === 'accept') return accept(readOpinion(details))
  if (details['verdict'] !== 'per-recipient') return readPart(details)
  const parts = list(details['verdicts']).map((part) => readPart(object(part)))
  return perRecipient(parts, readOpinion(details))
}

/** The facts that it reported. */
export function readFindings(details: JsonObject): readonly Finding[] {
  return list(details['findings']).flatMap((each) =>
    isObject(each) && each['value'] !== undefined
      ? [{ name: text(each['name']), value: each['value'] }]
      : [],
  )
}

function readPart(details: JsonObject): RecipientVerdict {
  const opinion = readOpinion(details)
  const { at } = details
  const spokenAt: RefusalOptions = at === 'now' || at === 'rcpt' ? { at } : {}
  const more = { ...opinion, close: details['close'] === true, ...spokenAt }
  switch (text(details['verdict'])) {
    case 'defer':
      return defer(transient(text(details['status'])), text(details['text']), more)
    case 'reject':
      return reject(permanent(text(details['status'])), text(details['text']), more)
    case 'quarantine':
      return quarantine(opinion)
    case 'discard':
      return discard(opinion)
    default:
      return pass(opinion)
  }
}

function readOpinion(details: JsonObject): {
  readonly reason?: string
  readonly score?: number
  readonly recipientScores?: readonly number[]
} {
  const { reason, score, recipientScores } = details
  return {
    ...(reason === undefined ? {} : { reason: text(reason) }),
    ...(score === undefined ? {} : { score: number(score) }),
    ...(recipientScores === undefined ? {} : { recipientScores: numbers(recipientScores) }),
  }
}

function transient(status: string): TransientStatus {
  return isTransient(status) ? status : '4.3.0'
}

function permanent(status: string): PermanentStatus {
  return isPermanent(status) ? status : '5.3.0'
}

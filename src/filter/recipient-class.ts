/**
 * `split: first`: a transaction holds recipients of one class only, so that one reply after the message can be true for all.
 * Two recipients are of one class where the same entries will have a say once the message is there, and where the same
 * thresholds judge what they say.
 */
import type { Recipient } from '../mail/envelope.ts'
import type { Transaction } from '../mail/session.ts'
import type { ReceiverSettings } from '../smtp/policy.ts'
import type { Inquiry } from './inquiry.ts'
import { applies, decidedly } from './applies.ts'
import type { Place } from './entry.ts'
import { anotherClass } from './refusals.ts'
import type { Objection } from './step.ts'
import { sameThresholds } from './threshold-rules.ts'

/** @returns what is said to a recipient that needs a transaction of its own */
export function splitOff(
  inquiry: Inquiry,
  { recipients: [first], parameters }: Transaction,
  recipient: Recipient,
  { splitsByClass, protocol }: ReceiverSettings,
): Objection | undefined {
  // Where each recipient is answered there is nothing to split for.
  const answered = protocol === 'lmtp' || protocol === 'qmtp' || parameters.prdr === true
  if (!splitsByClass || answered || first === undefined) return undefined
  const { data, message } = inquiry.generation.places
  const alike = (place: Place): boolean =>
    place.entry.condition === undefined ||
    place.entry.shadow ||
    applies(inquiry, place, first, decidedly) === applies(inquiry, place, recipient, decidedly)
  const { generation } = inquiry
  const judged = sameThresholds(
    generation.thresholdsFor(first),
    generation.thresholdsFor(recipient),
  )
  return judged && data.every(alike) && message.every(alike) ? undefined : anotherClass
}

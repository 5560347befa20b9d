/**
 * `split: first`: a transaction holds recipients of one class only, so that one reply after the message can be true for all.
 * Two recipients are of one class where the same entries will have a say once the message is there, where each of these
 * judges for both alike (`classOf`), and where the same thresholds judge what they say.
 */
import type { Recipient } from '../mail/envelope.ts'
import type { Transaction } from '../mail/session.ts'
import type { ReceiverSettings } from '../smtp/policy.ts'
import type { Inquiry } from './inquiry.ts'
import { applies, decidedly } from './applies.ts'
import { declaredFindings } from './findings.ts'
import type { Place } from './entry.ts'
import { anotherClass } from './refusals.ts'
import type { Objection } from './step.ts'
import { sameThresholds } from './threshold-rules.ts'

type Instance = Place['entry']['instance']
type ClassContext = Parameters<NonNullable<Instance['classOf']>>[2]

/** @returns what is said to a recipient that needs a transaction of its own */
export function splitOff(
  inquiry: Inquiry,
  transaction: Transaction,
  recipient: Recipient,
  { splitsByClass, protocol }: ReceiverSettings,
): Objection | undefined {
  const { recipients, parameters } = transaction
  const [first] = recipients
  // Where each recipient is answered there is nothing to split for.
  const answered = protocol === 'lmtp' || protocol === 'qmtp' || parameters.prdr === true
  if (!splitsByClass || answered || first === undefined) return undefined
  const { data, message } = inquiry.generation.places
  const alike = (place: Place): boolean => {
    const { shadow, condition, instance } = place.entry
    if (shadow) return true
    const judges =
      condition === undefined ||
      applies(inquiry, place, first, decidedly) === applies(inquiry, place, recipient, decidedly)
    if (!judges || instance.classOf === undefined) return judges
    const inForce = place.entry.optionsFor(inquiry.environment)
    // It cannot say: it is asked about the message itself, where its fault has an outcome.
    if (!inForce.ok) return true
    const context = {
      options: inForce.values,
      findings: declaredFindings(place.entry.reads, inquiry.findings.enforced),
    }
    const classOf = (each: Recipient): string | undefined =>
      classBy(instance, each, { transaction, context })
    return classOf(first) === classOf(recipient)
  }
  const { generation } = inquiry
  const judged = sameThresholds(
    generation.thresholdsFor(first),
    generation.thresholdsFor(recipient),
  )
  return judged && data.every(alike) && message.every(alike) ? undefined : anotherClass
}

/** One that cannot say is asked about the message itself, where its fault has an outcome. */
function classBy(
  instance: Instance,
  recipient: Recipient,
  { transaction, context }: { readonly transaction: Transaction; readonly context: ClassContext },
): string | undefined {
  try {
    return instance.classOf?.(recipient, transaction, context)
  } catch {
    return undefined
  }
}

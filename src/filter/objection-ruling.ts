import type { ObjectionRuling } from '../mail/ruling.ts'
import type { Objection } from './step.ts'

/** What the receiver is told of an objection: what to say, and nothing of who said it. */
export function objectionRuling({ verdict, status, text, close }: Objection): ObjectionRuling {
  return verdict === 'defer'
    ? { ruling: 'defer', status, text, close }
    : { ruling: 'reject', status, text, close }
}

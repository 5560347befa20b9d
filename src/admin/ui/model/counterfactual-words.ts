import type { Counterfactual } from '../../schemas/messages.ts'
import { counted } from '../format/lines.ts'

/** `Without dnsbl: accepted`; `Without dnsbl: not known, 4 entries were not asked`. */
export function counterfactualWords({ known, outcome, unasked }: Counterfactual): string {
  if (known && outcome !== undefined) return outcome
  if (unasked === undefined || unasked === 0) return 'not known'
  return `not known, ${counted(unasked, 'entry was', 'entries were')} not asked`
}

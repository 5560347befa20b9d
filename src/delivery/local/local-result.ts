import { noReason, type DeliveryResult } from '../../mail/delivery-result.ts'
import type { PermanentStatus, TransientStatus } from '../../mail/status.ts'
import type { Forwarded } from './local-delivery.ts'

/** What is read of a report. */
const mostReportChars = 2000

/**
 * As qmail-lspawn reads what came of qmail-local: 0 delivered, 111 and its like later, everything else never.
 * @param sent what was forwarded, where that was promised
 */
export function localResult(
  exit: number,
  report: string,
  { relayed, ledTo }: Pick<Partial<Forwarded>, 'relayed' | 'ledTo'> = {},
): DeliveryResult {
  const text = report.trim().slice(0, mostReportChars) || noReason
  if (exit === 0) {
    const how = { ...(relayed && { relayed }), ...(ledTo && { ledTo }) }
    return { outcome: 'delivered', status: '2.0.0', text, ...how }
  }
  return laterExits.has(exit)
    ? { outcome: 'deferred', status: statusIn(text, '4') ?? '4.3.0', text }
    : { outcome: 'failed', status: statusIn(text, '5') ?? '5.0.0', text }
}

const laterExits: ReadonlySet<number> = new Set([111, 71, 74, 75])

/** `(#5.1.1)`, as qmail's texts end. */
function statusIn(text: string, kind: '5'): PermanentStatus | undefined
function statusIn(text: string, kind: '4'): TransientStatus | undefined
function statusIn(text: string, kind: '4' | '5'): PermanentStatus | TransientStatus | undefined {
  const [, subject, detail] =
    new RegExp(`\\(#${kind}\\.(\\d{1,3})\\.(\\d{1,3})\\)`).exec(text) ?? []
  if (subject === undefined || detail === undefined) return undefined
  return `${kind}.${Number(subject)}.${Number(detail)}`
}

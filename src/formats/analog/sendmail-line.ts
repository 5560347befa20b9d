import type { DeliveryRecord, MessageRecord } from './records.ts'

const results = { k: 'Sent', d: 'Failed', z: 'Deferred' } as const

/** A record as zsendmail writes it: a log as sendmail's readers know it. */
export function sendmailLine(record: DeliveryRecord | MessageRecord): string {
  const { birth, end, bytes, sender, qp, uid } = record
  if (record.kind === 'delivery') {
    const { start, recipient, result, reason } = record
    const delays = `ddelay=${span(birth, end)}, xdelay=${span(start, end)}`
    return `${end} qp ${qp}: to=${recipient}, uid=${uid}, ${delays}, stat=${results[result]} (${reason})`
  }
  const { successes, failures, deferrals } = record
  const counts = `nrcpts=${successes + failures}, deferrals=${deferrals}`
  return `${end} qp ${qp}: from=${sender}, uid=${uid}, size=${bytes}, ${counts}, qtime=${span(birth, end)}`
}

function span(from: string, to: string): string {
  return (Number(to) - Number(from)).toFixed(6)
}

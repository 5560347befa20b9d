/** The reports of qmailanalog, from what was added up: names, columns and figures are its own. */
import type { Bounded, ReasonTally, RecipientTally, SenderTally, Tallies } from './tallies.ts'

export interface Report {
  readonly name: ReportName
  readonly title: string
  readonly columns: readonly string[]
  /** Numbers first; the last column of most is a text from the log. */
  readonly rows: readonly (readonly (number | string)[])[]
}

export const reportNames = [
  'overall',
  'ddist',
  'deferrals',
  'failures',
  'successes',
  'recipients',
  'rhosts',
  'rxdelay',
  'senders',
  'suids',
] as const
export type ReportName = (typeof reportNames)[number]

/** The rows that are shown of a report; of a few, all: they are one table of figures. */
export function shownRows({ name, rows }: Report, top: number): Report['rows'] {
  return name === 'overall' || name === 'ddist' ? rows : rows.slice(0, top)
}

/** What a user may call it: `zsenders`, `senders`; `zhosts` is one more name of zrhosts. */
export function reportName(given: string): ReportName | undefined {
  const plain = given.startsWith('z') ? given.slice(1) : given
  const name = plain === 'hosts' ? 'rhosts' : plain
  return reportNames.find((known) => known === name)
}

const senderColumns = ['mess', 'bytes', 'sbytes', 'rbytes', 'recips', 'tries', 'xdelay']
const recipientColumns = ['sbytes', 'mess', 'tries', 'xdelay']
const reasonColumns = ['del', 'xdelay', 'reason']

export function makeReport(name: ReportName, tallies: Tallies): Report {
  switch (name) {
    case 'overall':
      return overall(tallies)
    case 'ddist':
      return distribution(tallies)
    case 'deferrals':
      return reasons(name, 'Reasons for deferral', tallies.reasons.z)
    case 'failures':
      return reasons(name, 'Reasons for failure', tallies.reasons.d)
    case 'successes':
      return reasons(name, 'Reasons for success', tallies.reasons.k)
    case 'recipients': {
      const rows = recipients(tallies.recipients)
      return { name, title: 'Recipients', columns: [...recipientColumns, 'recipient'], rows }
    }
    case 'rhosts': {
      const rows = recipients(tallies.hosts)
      return { name, title: 'Recipient hosts', columns: [...recipientColumns, 'host'], rows }
    }
    case 'rxdelay':
      return worstRecipients(tallies)
    case 'senders': {
      const rows = senders(tallies.senders)
      return { name, title: 'Senders', columns: [...senderColumns, 'sender'], rows }
    }
    case 'suids': {
      const rows = senders(tallies.uids)
      return { name, title: 'Sender uids', columns: [...senderColumns, 'uid'], rows }
    }
  }
}

function overall({ overall: all }: Tallies): Report {
  const rows: (readonly [string, number])[] = [['Completed messages', all.messages]]
  const per = (sum: number, count: number): number => awkNumber(sum / count)
  if (all.messages > 0) {
    rows.push(
      ['Recipients for completed messages', all.recipients],
      ['Total delivery attempts for completed messages', all.tries],
      ['Average delivery attempts per completed message', per(all.tries, all.messages)],
      ['Bytes in completed messages', all.messageBytes],
      ['Bytes weighted by success', all.weightedBytes],
      ['Average message qtime (s)', per(all.qtime, all.messages)],
    )
  }
  rows.push(['Total delivery attempts', all.deliveries])
  if (all.deliveries > 0) {
    rows.push(
      ['success', all.successes],
      ['failure', all.failures],
      ['deferral', all.deliveries - all.successes - all.failures],
      ['Total ddelay (s)', rounded(all.ddelay, 6)],
    )
    if (all.successes > 0) {
      rows.push(['Average ddelay per success (s)', rounded(all.ddelay / all.successes, 6)])
    }
    rows.push(
      ['Total xdelay (s)', rounded(all.xdelay, 6)],
      ['Average xdelay per delivery attempt (s)', rounded(all.xdelay / all.deliveries, 6)],
    )
    const span = all.last - (all.first ?? 0)
    if (span > 86_400) rows.push(['Time span (days)', awkNumber(span / 86_400)])
    else if (span > 0) rows.push(['Time span (s)', awkNumber(span)])
    if (span > 0) rows.push(['Queue concurrency', awkNumber(all.xdelay / span)])
  }
  return { name: 'overall', title: 'Basic statistics', columns: ['what', 'figure'], rows }
}

/**
 * As the original has it: of each distinct delay the percentage of deliveries that were done by then; a percentage shows
 * its least delay, and the average over the distinct delays up to it.
 */
function distribution({ delays }: Tallies): Report {
  const rows: (readonly [number, number, number])[] = []
  const byPercent = new Map<number, { least: number; sum: number; count: number }>()
  const total = [...delays.values()].reduce((sum, count) => sum + count, 0)
  let done = 0
  for (const [delay, count] of [...delays].toSorted(([a], [b]) => a - b)) {
    done += count
    const percent = Math.trunc((done * 100) / total)
    const slot = byPercent.get(percent)
    if (slot === undefined) byPercent.set(percent, { least: delay, sum: delay, count: 1 })
    else {
      slot.sum += delay
      slot.count += 1
    }
  }
  let sum = 0
  let count = 0
  for (const [percent, slot] of byPercent) {
    sum += slot.sum
    count += slot.count
    if (percent >= 10) rows.push([rounded(slot.least, 2), rounded(sum / count, 2), percent])
  }
  const title = 'Distribution of ddelays for successful deliveries'
  return { name: 'ddist', title, columns: ['doneby', 'avg', 'pct'], rows }
}

function reasons(name: ReportName, title: string, of: Bounded<ReasonTally>): Report {
  const rows = [...of.entries()].map(
    ([reason, { deliveries, xdelay }]) =>
      [deliveries, rounded(xdelay, 2), reason.replaceAll('_', ' ')] as const,
  )
  return { name, title, columns: reasonColumns, rows: rows.toSorted(descending(1, 0)) }
}

function recipients(
  of: Bounded<RecipientTally>,
): readonly (readonly [number, number, number, number, string])[] {
  const rows = [...of.entries()].map(([key, row]) => {
    const mess = row.successes + row.failures
    return [row.sbytes, mess, mess + row.deferrals, rounded(row.xdelay, 2), key] as const
  })
  return rows.toSorted(descending(0, 1, 3, 2))
}

/** Whom a mailing list should come to last. */
function worstRecipients({ recipients: of }: Tallies): Report {
  const rows = recipients(of).map(
    ([, , tries, xdelay, key]) => [rounded(xdelay / tries, 2), tries, key] as const,
  )
  const title = 'Recipients in the worst order for mailing lists'
  const columns = ['avg', 'tries', 'recipient']
  return { name: 'rxdelay', title, columns, rows: rows.toSorted(descending(0, 1)) }
}

/** Who has only deliveries in this part of the log is not among them, as in the original. */
function senders(of: Bounded<SenderTally>): Report['rows'] {
  const rows = [...of.entries()]
    .filter(([, { messages }]) => messages > 0)
    .map(([key, row]) => {
      const recips = row.successes + row.failures
      const { messages, bytes, sbytes, rbytes, deferrals, xdelay } = row
      const last = [recips, recips + deferrals, rounded(xdelay, 6), key] as const
      return [messages, bytes, sbytes, rbytes, ...last] as const
    })
  return rows.toSorted(descending(0, 1, 2, 3))
}

type Row = readonly (number | string)[]

/** By these columns, the largest first; by the last one, a text, where all are equal. */
function descending(...columns: readonly number[]): (a: Row, b: Row) => number {
  return (a, b) => {
    for (const column of columns) {
      const difference = Number(b[column]) - Number(a[column])
      if (difference !== 0) return difference
    }
    const [first, second] = [String(a.at(-1)), String(b.at(-1))]
    return first < second ? -1 : first > second ? 1 : 0
  }
}

/** As awk prints a number that it was not told how to. */
function awkNumber(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(6))
}

function rounded(value: number, places: number): number {
  return Number(value.toFixed(places))
}

/** One transaction in a line. */
import { styleText } from 'node:util'
import { legible } from '../formats/plain-line.ts'
import type { TraceSummary } from '../trace/trace-summary.ts'

const colours = {
  accepted: 'green',
  refused: 'red',
  deferred: 'yellow',
  quarantined: 'magenta',
  discarded: 'magenta',
  abandoned: 'gray',
} as const

/** `2026-11-21 08:10:12  refused      192.0.2.1        <a@b> → c@d +2  550 5.7.1 DNSBL by dnsbl  score 7  s1.1` */
export function logLine(item: TraceSummary): string {
  const { outcome, score, reason, entry, reply, id } = item
  const code = outcome === 'accepted' ? '' : (reply?.code ?? '')
  const why = [
    ...(code === '' ? [] : [`${code} ${reply?.status ?? ''}`.trim()]),
    ...(reason === undefined ? [] : [reason]),
    ...(entry === undefined ? [] : [`by ${entry}`]),
  ].join(' ')
  const words = [
    when(item.endedAt),
    styleText(colours[outcome], outcome.padEnd(11)),
    legible(item.client === '' ? (item.via ?? '-') : item.client).padEnd(15),
    envelopeOf(item),
    ...(why === '' ? [] : [legible(why)]),
    ...(score === undefined ? [] : [`score ${score}`]),
    legible(id),
  ]
  return words.join('  ')
}

function envelopeOf(item: TraceSummary): string {
  const { reversePath, recipients, recipientCount, hello, failedLogin } = item
  if (failedLogin !== undefined) return `(login) ${legible(failedLogin)}`
  if (reversePath === undefined) return `(no MAIL) ${legible(hello ?? '')}`.trimEnd()
  const [first] = recipients
  const more = recipientCount > 1 ? ` +${recipientCount - 1}` : ''
  const to = first?.address.slice(0, 80) ?? '(nobody)'
  return `${legible(reversePath.slice(0, 80))} → ${legible(to)}${more}`
}

export function when(instant: number): string {
  return new Date(instant).toISOString().replace('T', ' ').slice(0, 19)
}

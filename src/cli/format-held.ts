/** Held mail as a person reads it. What senders wrote is shown without control characters. */
import { plainLine } from '../formats/plain-line.ts'
import type { HeldDetails, HeldMessage } from '../tools/steer-quarantine.ts'

export const heldHeading = 'id            received              size  from → to: subject (reason)'

export function formatHeld(held: HeldMessage): string {
  const { id, receivedAt, sizeBytes, reversePath, recipients, subject } = held
  const head = [id.padEnd(12), time(receivedAt), String(sizeBytes).padStart(8)].join('  ')
  return plainLine(
    `${head}  ${reversePath} → ${recipients.join(', ')}: ${subject || '(no subject)'} (${why(held)})`,
  )
}

export function formatDetails({ held, evidence, header, siblings }: HeldDetails): string {
  const lines = [
    `id          ${held.id}`,
    `transaction ${held.transaction}`,
    `received    ${time(held.receivedAt)}`,
    `size        ${held.sizeBytes} bytes`,
    `from        ${held.reversePath}`,
    ...held.recipients.map((recipient) => `to          ${recipient}`),
    `reason      ${why(held)}`,
    ...(Object.keys(evidence).length === 0 ? [] : [`evidence    ${JSON.stringify(evidence)}`]),
    ...siblings.map(({ id, recipients }) => `also held   ${id} for ${recipients.join(', ')}`),
    '',
    ...header.split(/\r?\n/),
  ]
  return `${lines.map(plainLine).join('\n').trimEnd()}\n`
}

function why({ reason, entry, score }: HeldMessage): string {
  const by = entry === undefined ? '' : `, by ${entry}`
  return `${reason}${by}${score === undefined || score === 0 ? '' : `, score ${score}`}`
}

function time(instant: number): string {
  return new Date(instant).toISOString().slice(0, 19).replace('T', ' ')
}

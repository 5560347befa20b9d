/** A trace as a person reads it. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { legible } from '../formats/plain-line.ts'
import type { ToldFollowUp } from '../tools/find-stories.ts'
import type { QueuedCopy } from '../tools/queued-stories.ts'
import type { Counterfactual } from '../trace/counterfactual.ts'
import type { Story } from '../trace/story.ts'

type Step = Story['steps'][number]

/** What is known of it besides the trace. */
export interface Besides {
  readonly queued: readonly QueuedCopy[]
  readonly followUps: readonly ToldFollowUp[]
}

export function formatTrace(
  trace: Story,
  { queued, followUps }: Besides = { queued: [], followUps: [] },
): string {
  const lines = [
    title(trace),
    ...facts(trace),
    '',
    ...trace.steps.map(formatStep),
    ...(trace.lost > 0 ? [`  (${trace.lost} steps were not kept)`] : []),
    '',
    ...outcome(trace, queued),
    ...followUps.flatMap(formatFollowUp),
    ...trace.counterfactuals.map(formatCounterfactual),
  ]
  return `${lines.map(legible).join('\n')}\n`
}

function title({ id, startedAt, endedAt, via, summary }: Story): string {
  if (via !== undefined) return `${summary.outcome}: message ${id}, ${when(startedAt)}`
  return `${summary.outcome}: transaction ${id}, ${when(startedAt)}, ${endedAt - startedAt} ms`
}

function facts(trace: Story): string[] {
  const { hello, user, failedLogin, tls, forwarded, via, messageId } = trace
  return [
    via === undefined
      ? `  client     ${trace.remote} at listener ${trace.listener}${hello === undefined ? '' : `, hello ${hello}`}`
      : `  ${ways[via === 'bounce' ? 'bounce' : 'queue']}`,
    ...(user === undefined ? [] : [`  login      ${user}`]),
    ...(failedLogin === undefined ? [] : [`  login      ${failedLogin}, refused`]),
    ...(tls === undefined ? [] : [`  TLS        ${tls}`]),
    ...(forwarded === undefined ? [] : [`  forwarded  ${JSON.stringify(forwarded)}`]),
    ...(via === undefined ? [`  rule       ${trace.environment}`] : []),
    ...(trace.reversePath === undefined ? [] : [`  from       ${trace.reversePath}`]),
    ...trace.recipients.map(({ address, accepted }, index) => {
      if (!accepted) return `  to         ${address}, refused: ${said(trace.rulings[index])}`
      const answer = trace.replies[trace.recipients.slice(0, index).filter(isAccepted).length]
      return `  to         ${address}${answer === undefined ? '' : `, answered: ${said(answer)}`}`
    }),
    ...judged(trace),
    ...(messageId === undefined ? [] : [`  Message-ID <${messageId}>`]),
    ...(trace.score === 0 ? [] : [`  score      ${trace.score}`]),
    ...(trace.sizeBytes === undefined ? [] : [`  size       ${trace.sizeBytes} bytes`]),
  ]
}

const ways = {
  queue:
    'entered without a session: sendmail, inject, qmail-queue or a forward; or its record is gone',
  bounce: 'entered without a session: a notice with the null reverse-path, such as a bounce',
} as const

/** Where thresholds of their own decided about somebody, everybody's are told. */
function judged({ own, recipients }: Story): string[] {
  const taken = recipients.filter(isAccepted)
  return own.map((thresholds, index) => {
    const at = Object.entries(thresholds).map(([name, score]) => `${name} ${score}`)
    const words = at.length === 0 ? 'never' : at.join(', ')
    return `  judged     ${taken[index]?.address ?? ''} by score: ${words}`
  })
}

function isAccepted({ accepted }: Story['recipients'][number]): boolean {
  return accepted
}

/** `  rcpt     rcpthosts  accept  RCPTHOSTS {"entry":"postern.test"}  0.04 ms` */
function formatStep(step: Step): string {
  const { stage, entry, verdict, mode, kind, remembered, fault, durationMs, round } = step
  const words = [
    `${stage}${round > 0 ? ` ${round}` : ''}`.padEnd(8),
    entry.padEnd(16),
    `${mode === 'shadow' ? 'would ' : ''}${verdict}`.padEnd(10),
    ...(kind === 'asked' ? [] : [`(${kind})`]),
    ...(remembered ? ['(remembered until RCPT)'] : []),
    ...(fault === undefined ? [] : [`fault ${fault.kind}: ${fault.detail}`]),
    ...told(step.details),
  ]
  return `  ${words.join('  ').trimEnd()}  ${durationMs.toFixed(2)} ms`
}

function told(details: JsonObject): string[] {
  const { status, text, reason, score, evidence, findings } = details
  const { headerEdits, envelopeEdits, replacement } = details
  const show = (name: string, value: JsonValue | undefined): string[] =>
    value === undefined
      ? []
      : [`${name}${typeof value === 'string' ? value : JSON.stringify(value)}`]
  return [
    ...show('', status),
    ...show('', text),
    ...show('', reason),
    ...show('score ', score),
    ...show('', evidence),
    ...show('findings ', findings),
    ...show('header ', headerEdits),
    ...show('envelope ', envelopeEdits),
    ...show('replaced ', replacement),
  ]
}

function outcome(trace: Story, queued: readonly QueuedCopy[]): string[] {
  const { reply, queueIds, placements, attempts, end, receiver, via } = trace
  return [
    ...(via === undefined
      ? [
          `  ${end} at ${trace.stage}${reply === undefined ? '' : `; the client was told: ${said(reply)}`}`,
        ]
      : []),
    ...decided(trace),
    ...ruledEarly(trace),
    ...(receiver === undefined
      ? []
      : [`  by the receiver itself, no entry was asked: ${receiver}`]),
    ...placements.map(({ disposition, reason, entry, score, recipients }) => {
      const by = [
        ...(reason === undefined ? [] : [reason]),
        ...(entry === undefined ? [] : [`by ${entry}`]),
        ...(score === undefined || score === 0 ? [] : [`score ${score}`]),
      ]
      return `  ${disposition}${by.length === 0 ? '' : ` (${by.join(', ')})`}: ${recipients.join(', ')}`
    }),
    ...(queueIds.length > 0 ? [`  queued as ${queueIds.join(', ')}`] : []),
    ...attempts.map(formatAttempt),
    ...queued.flatMap(formatQueued),
    ...(queueIds.length > 0 && attempts.length === 0 ? ['  no delivery is recorded yet'] : []),
  ]
}

function formatAttempt(attempt: Story['attempts'][number]): string {
  const { outcome: came, recipient, route, text, startedAt, durationMs } = attempt
  const how = came === 'told' ? '' : ` by ${route}, ${Math.round(durationMs)} ms`
  return `  ${when(startedAt)}  ${came}  ${recipient}${how}: ${text}`
}

/** What is not in the queue any more, and of which nothing is recorded, has been forgotten. */
function formatFollowUp({ id, reversePath, recipients, attempts, queued }: ToldFollowUp): string[] {
  const to = queued?.recipients.map(({ address }) => address) ?? recipients
  if (to.length === 0) return [`  it led to ${id}, of which nothing is recorded`]
  const from = reversePath === undefined ? '' : `, ${reversePath} to`
  return [
    `  it led to ${id}${from === '' ? ' for' : from} ${to.slice(0, 10).join(', ')}`,
    ...attempts.map((attempt) => `  ${formatAttempt(attempt)}`),
    ...(queued === undefined ? [] : formatQueued(queued).map((line) => `  ${line}`)),
  ]
}

/** Of a login that nobody knew it is said by `decided`: there entries were asked. */
function ruledEarly({ ruled, stage }: Story): string[] {
  return ruled === undefined || stage === 'auth'
    ? []
    : [`  ruled before any entry was asked: ${ruled}`]
}

/** Who said no, where the reply alone does not tell. */
function decided({ objection, summary: { outcome: came } }: Story): string[] {
  if (objection === undefined || came === 'accepted' || came === 'abandoned') return []
  const by = objection.entry === undefined ? 'no single entry' : objection.entry
  const why = objection.reason === undefined ? '' : ` (${objection.reason})`
  return [`  decided at ${objection.stage} by ${by}${why}: ${said(objection)}`]
}

function formatQueued({ id, held, dueAt, tries, paused, recipients }: QueuedCopy): string[] {
  const waiting = recipients.filter(({ state }) => state === 'pending' || state === 'deferred')
  const due = paused
    ? 'waiting for postern queue resume (see postern queue paused)'
    : `due ${when(dueAt)}`
  const how = held ? 'held' : `in the queue, ${tries} tries so far, ${due}`
  return [
    `  ${id} is ${how}`,
    ...waiting.map(({ address, text }) => `    ${address}${text === undefined ? '' : `: ${text}`}`),
  ]
}

function formatCounterfactual(what: Counterfactual): string {
  const { without: entry, outcome: came } = what
  if (came === 'not known') {
    const many = what.notAsked === 1 ? '1 entry was' : `${what.notAsked} entries were`
    return `  without ${entry}: not known, ${many} not asked`
  }
  const still = came === 'refused' || came === 'deferred'
  return `  without ${entry}: ${came}${still ? `, ${what.code} ${what.status} ${what.text}` : ''}`
}

function when(instant: number): string {
  return new Date(instant).toISOString().replace('T', ' ').slice(0, 23)
}

/** As the client heard it. */
function said(ruling: Story['rulings'][number] | NonNullable<Story['reply']> | undefined): string {
  return ruling === undefined || !('code' in ruling)
    ? 'not known'
    : `${ruling.code} ${ruling.status} ${ruling.text}`
}

/** The steps of a record, as they are stored: JSON of a list of `PackedStep`, written at once from what happened. */
import type { Replacement } from '../mail/replacement.ts'
import { isPlainPass, type AnyVerdict } from '../plugin/verdict.ts'
import { stageOf } from './entry.ts'
import { quoted } from './json-text.ts'
import { jsonWithin, type JsonBudget } from './json-within.ts'
import type { Scopes } from './opinions.ts'
import { missingNotes, type StepNotes } from './step-notes.ts'
import { isPlainStep, type Step } from './step.ts'

/** How many characters of evidence, findings and edits a record holds. */
const evidenceBudget = 32_768
/** Steps that are kept, as many as are remembered: three or four about each of a thousand recipients. */
const mostSteps = 4000

export interface PackedSteps {
  readonly json: string
  /** How many were left out that told something. */
  readonly lost: number
}

/** @param sessionStartMs by the clock of the steps */
export function packSteps(
  steps: readonly Step[],
  sessionStartMs: number,
  scopes: Scopes | undefined,
): PackedSteps {
  const budget: JsonBudget = { left: evidenceBudget }
  const tellingOnly = steps.length > mostSteps
  let json = ''
  let packed = 0
  let lost = 0
  for (const step of steps) {
    const { place, round, doors } = step
    const isPlain = isPlainStep(step)
    const tells = !isPlain || (doors !== undefined && packed < mostSteps)
    if (tells && packed >= mostSteps) {
      lost += 1
      continue
    }
    // A pass without an opinion changes no decision: its loss is no loss of the explanation.
    if (!tells && tellingOnly) continue
    json += packed === 0 ? '[' : ',['
    json += `${place.number},${Math.round(step.durationMs * 1000)}`
    if (tells) {
      // Whom an opinion from RCPT speaks of, its round says.
      const recipients = place.question === 'rcpt' ? undefined : scopes?.get(step)
      json += `,{"at":${Math.round(step.startedMs - sessionStartMs)}${detailsOf(step, recipients, budget)}}`
    } else if (round !== 0) json += `,${round}`
    json += ']'
    packed += 1
  }
  return { json: `[${json}]`, lost }
}

/** Members of `StepDetails`, with a comma before each. */
function detailsOf(
  { kind, place, stage, round, verdict, fault, remembered, doors }: Step,
  recipients: readonly number[] | undefined,
  budget: JsonBudget,
): string {
  const notes = doors === undefined ? '' : `,"doors":${packNotes(doors, budget)}`
  let json = `,"verdict":{${verdictJson(verdict, budget)}}`
  if (round !== 0) json += `,"round":${round}`
  if (kind !== 'asked') json += `,"kind":"${kind}"`
  if (stage !== stageOf(place.question)) json += `,"stage":"${stage}"`
  if (fault !== undefined) json += `,"fault":[${quoted(fault.kind)},${quoted(fault.detail)}]`
  if (remembered) json += ',"remembered":true'
  if (recipients !== undefined) json += `,"recipients":[${recipients.join()}]`
  return json + notes
}

/** All of them or none: with some of them nobody could take the step again. */
function packNotes(doors: StepNotes, budget: JsonBudget): string {
  const { size } = doors
  if (size > budget.left) return missingNotes('the record is full')
  budget.left -= size
  return doors.pack()
}

/** What decisions depend on is kept whole, the rest within the budget. */
function verdictJson(verdict: AnyVerdict, budget: JsonBudget): string {
  const decisive = decisiveJson(verdict)
  if (isPlainPass(verdict)) return decisive
  const { evidence, findings, headerEdits, envelopeEdits, replacement } = verdict
  let json = decisive
  if (verdict.verdict === 'per-recipient') {
    const each = verdict.verdicts.map((part) => `{${decisiveJson(part)}}`)
    json += `,"verdicts":[${each.join()}]`
  }
  if (replacement !== undefined) json += `,"replacement":${replacementJson(replacement)}`
  if (evidence !== undefined) json += `,"evidence":${jsonWithin(evidence, budget)}`
  if (findings !== undefined) json += `,"findings":${jsonWithin(findings, budget)}`
  if (headerEdits !== undefined) json += `,"headerEdits":${jsonWithin(headerEdits, budget)}`
  if (envelopeEdits !== undefined) json += `,"envelopeEdits":${jsonWithin(envelopeEdits, budget)}`
  return json
}

function decisiveJson(verdict: AnyVerdict): string {
  const { reason, score, recipientScores } = verdict
  let json = `"verdict":"${verdict.verdict}"`
  if (verdict.verdict === 'defer' || verdict.verdict === 'reject') {
    json += `,"status":${quoted(verdict.status)},"text":${quoted(verdict.text.slice(0, 500))}`
    if (verdict.close) json += ',"close":true'
    if (verdict.at !== undefined) json += `,"at":"${verdict.at}"`
  }
  if (reason !== undefined) json += `,"reason":${quoted(reason.slice(0, 200))}`
  if (score !== undefined) json += `,"score":${score}`
  if (recipientScores !== undefined) json += `,"recipientScores":${JSON.stringify(recipientScores)}`
  return json
}

function replacementJson({ message, receivedDigest, digest }: Replacement): string {
  const { sizeBytes } = message
  return JSON.stringify({ received: receivedDigest, handedBack: digest, sizeBytes })
}

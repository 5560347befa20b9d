/**
 * The contract at run time. Types keep honest plugins right; a cast, a plugin in plain JavaScript or
 * a forgotten `return` ends up here, and is a fault of that entry before it can do harm.
 */
import type { Place, Question } from './entry.ts'
import { errorDetail, type Fault } from './fault.ts'
import { isPermanent, isTransient } from '../mail/status.ts'
import { isPlainPass, type AnyVerdict } from '../plugin/verdict.ts'
import { editsProblem } from './check-edits.ts'

type Kind = AnyVerdict['verdict']

const objections: readonly Kind[] = ['pass', 'defer', 'reject']
const allowed: { readonly [Q in Question]: readonly Kind[] } = {
  connect: objections,
  hello: objections,
  auth: objections,
  verify: ['pass', 'accept'],
  secretFor: ['pass', 'accept'],
  checkResponse: ['pass', 'accept'],
  checkApop: ['pass', 'accept'],
  loginEnded: ['pass'],
  mail: objections,
  rcpt: [...objections, 'accept'],
  data: objections,
  sign: ['pass'],
  message: [...objections, 'quarantine', 'discard', 'per-recipient'],
}
/** It is a word for logs and searches; what there is to tell belongs into `evidence`. */
const longestReason = 500
/** A client is told the first 400 characters. */
const longestText = 5000
const mostFindings = 1000
const perRecipientKinds: readonly Kind[] = [...objections, 'quarantine', 'discard']

/** What is wrong with an answer; nothing for a verdict that this entry may give here. */
export function verdictFault(
  verdict: AnyVerdict,
  place: Place,
  recipients: number,
): Fault | undefined {
  if (isPlainPass(verdict)) return undefined
  try {
    return answerFault(verdict, place, recipients)
  } catch (error) {
    return broken(`answered what cannot be read: ${errorDetail(error)}`)
  }
}

function answerFault(answer: unknown, place: Place, recipients: number): Fault | undefined {
  if (!isRecord(answer) || typeof answer['verdict'] !== 'string') {
    return broken(`answered ${answer === undefined ? 'nothing' : typeof answer}`)
  }
  const kind = answer['verdict']
  if (!allowed[place.question].some((each) => each === kind)) {
    return { kind: 'not-allowed', detail: `${kind} is no answer at ${place.question}` }
  }
  if (kind === 'accept' && place.question === 'rcpt' && !place.entry.vouches) {
    return { kind: 'not-allowed', detail: 'accept from a plugin that does not declare vouches' }
  }
  if (!place.entry.replaces && answer['replacement'] !== undefined) {
    return {
      kind: 'not-allowed',
      detail: 'replacement from a plugin that does not declare replaces',
    }
  }
  const problem =
    refusalProblem(kind, answer) ??
    opinionProblem(answer) ??
    scoresProblem(answer, place.question, recipients) ??
    (kind === 'per-recipient' ? partsProblem(answer['verdicts'], recipients) : undefined)
  return problem === undefined ? undeclaredFault(answer['findings'], place.entry) : broken(problem)
}

/** Who needs a finding is put behind those who declare it: of another one it would not know, and mail would show it first. */
function undeclaredFault(findings: unknown, { provides }: Place['entry']): Fault | undefined {
  if (!isListOf(findings, isRecord)) return undefined
  const undeclared = findings.find((given) => provides.every(({ name }) => name !== given['name']))
  return (
    undeclared && {
      kind: 'not-allowed',
      detail: `the finding ${String(undeclared['name']).slice(0, 100)} from a plugin that does not declare it in provides`,
    }
  )
}

function broken(detail: string): Fault {
  return { kind: 'not-a-verdict', detail }
}

function refusalProblem(kind: string, answer: Fields): string | undefined {
  if (kind !== 'defer' && kind !== 'reject') return undefined
  const { status, text, close, at } = answer
  const fits = kind === 'defer' ? isTransient : isPermanent
  if (typeof status !== 'string' || !fits(status)) return `${kind} with status ${String(status)}`
  if (typeof text !== 'string') return `${kind} without a text`
  if (text.length > longestText) return `${kind} with a text of ${text.length} characters`
  if (typeof close !== 'boolean') return `${kind} whose close is ${typeof close}`
  return at === undefined || at === 'now' || at === 'rcpt'
    ? undefined
    : 'at is neither now nor rcpt'
}

function opinionProblem(answer: Fields): string | undefined {
  const { reason, score, findings, headerEdits, envelopeEdits } = answer
  if (reason !== undefined && typeof reason !== 'string') return 'the reason is no text'
  if (reason !== undefined && reason.length > longestReason) {
    return `the reason has ${reason.length} characters; ${longestReason} fit`
  }
  if (score !== undefined && !Number.isFinite(score)) return 'the score is no finite number'
  if (findings !== undefined && !isListOf(findings, isFinding)) return 'findings are malformed'
  if (findings !== undefined && findings.length > mostFindings) {
    return `there are ${findings.length} findings; ${mostFindings} fit`
  }
  return editsProblem(headerEdits, envelopeEdits)
}

function scoresProblem(answer: Fields, question: Question, recipients: number): string | undefined {
  const scores = answer['recipientScores']
  if (scores === undefined) return undefined
  if (question !== 'message') return `recipientScores at ${question}`
  return isListOf(scores, Number.isFinite) && scores.length === recipients
    ? undefined
    : `recipientScores are not ${recipients} numbers`
}

function partsProblem(verdicts: unknown, recipients: number): string | undefined {
  if (!isListOf(verdicts, isRecord) || verdicts.length !== recipients) {
    return `per-recipient without ${recipients} verdicts`
  }
  for (const part of verdicts) {
    const kind = part['verdict']
    if (typeof kind !== 'string' || !perRecipientKinds.some((each) => each === kind)) {
      return `per-recipient holds ${String(kind)}`
    }
    const problem = refusalProblem(kind, part) ?? opinionProblem(part)
    if (problem !== undefined) return problem
  }
  return undefined
}

type Fields = { readonly [name: string]: unknown }

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOf<T>(
  value: unknown,
  fits: ((item: unknown) => item is T) | ((item: unknown) => boolean),
): value is readonly T[] {
  return Array.isArray(value) && value.every((item: unknown) => fits(item))
}

function isFinding(value: unknown): boolean {
  return isRecord(value) && typeof value['name'] === 'string' && value['value'] !== undefined
}

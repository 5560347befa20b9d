/**
 * What an operator wants done where a check of the content objects, and the one verdict that comes of several objections.
 * A refusal beats holding, holding beats discarding: nothing is lost that some rule wanted kept.
 */
import {
  defer,
  discard,
  option,
  pass,
  quarantine,
  reject,
  type Finding,
  type JsonObject,
  type JsonValue,
  type Option,
  type PermanentStatus,
  type RecipientVerdict,
} from 'postern/plugin'

const outcomeNames = ['reject', 'defer', 'quarantine', 'discard', 'tag', 'none'] as const
export type OutcomeName = (typeof outcomeNames)[number]

/** What is done, or what is added to the score of the message. */
export type Outcome = OutcomeName | number

/** An option that takes a word (`reject`), or a number that is added to the score. */
export function outcomeOption(settings: {
  readonly default: Outcome
  readonly description?: string
  readonly env?: string
}): Option<Outcome> {
  const words = option.choice(outcomeNames)
  const remedy = `write ${outcomeNames.join(', ')}, or a number to be added to the score`
  return {
    ...words,
    ...settings,
    type: `one of ${outcomeNames.join(', ')}, or a score`,
    schema: { anyOf: [words.schema, { type: 'number' }], ...settings },
    parse(value: JsonValue) {
      const outcome = outcomeOf(value)
      if (outcome !== undefined) return { ok: true, value: outcome }
      return { ok: false, problem: `${JSON.stringify(value).slice(0, 60)} is no outcome`, remedy }
    },
    fromText: (text) => ({ ok: true, value: outcomeOf(text) ?? text }),
  }
}

/** `reject`, `2.5`; `undefined` for what is none. */
export function outcomeOf(value: JsonValue): Outcome | undefined {
  const number =
    typeof value === 'string' && /^-?\d{1,6}(?:\.\d{1,6})?$/.test(value) ? Number(value) : value
  if (typeof number === 'number') return Number.isFinite(number) ? number : undefined
  return outcomeNames.find((name) => name === value)
}

/** One thing that a check found, and what is to be done about it. */
export interface Complaint {
  /** The check, as it is named in the options and in the evidence. */
  readonly check: string
  readonly outcome: Outcome
  /** For the operator: what exactly was found. */
  readonly detail: string
  /** For the client, where the message is refused. */
  readonly text: string
  readonly status: PermanentStatus
  /** Where it differs from that of the others. */
  readonly reason?: string
}

export interface Manner<Given extends string> {
  /** The reason of the verdict. */
  readonly reason: string
  /** The field that `tag` puts into the message. */
  readonly field: string
  readonly findings?: readonly Finding<Given>[]
}

const mostComplaints = 20
const longestDetail = 200

/** The verdict of all complaints together; each is in the evidence. */
export function verdictOn<Given extends string = never>(
  complaints: readonly Complaint[],
  manner: Manner<Given>,
): RecipientVerdict<Given> {
  const counting = complaints.filter(({ outcome }) => outcome !== 'none')
  const { findings } = manner
  const said = findings === undefined || findings.length === 0 ? {} : { findings }
  const worst = outcomeNames
    .map((name) => counting.find(({ outcome }) => outcome === name))
    .find((complaint) => complaint !== undefined)
  const [first = worst] = worst === undefined ? counting : [worst]
  if (first === undefined) return Object.keys(said).length === 0 ? pass() : pass(said)
  const score = counting.reduce(
    (sum, { outcome }) => sum + (typeof outcome === 'number' ? outcome : 0),
    0,
  )
  const opinion = {
    ...said,
    reason: first.reason ?? manner.reason,
    evidence: evidenceOf(counting),
    ...(score === 0 ? {} : { score }),
    ...tagOf(counting, manner.field),
  }
  const { text, status } = first
  switch (first.outcome) {
    case 'reject':
      return reject(status, text, opinion)
    case 'defer':
      return defer('4.7.1', text, opinion)
    case 'quarantine':
      return quarantine(opinion)
    case 'discard':
      return discard(opinion)
    default:
      return pass(opinion)
  }
}

function evidenceOf(complaints: readonly Complaint[]): JsonObject {
  return {
    found: complaints.slice(0, mostComplaints).map(({ check, detail, outcome }) => ({
      check,
      detail: detail.slice(0, longestDetail),
      outcome,
    })),
    ...(complaints.length > mostComplaints ? { more: complaints.length - mostComplaints } : {}),
  }
}

function tagOf(complaints: readonly Complaint[], field: string) {
  const checks = new Set(
    complaints.flatMap(({ check, outcome }) => (outcome === 'tag' ? [check] : [])),
  )
  if (checks.size === 0) return {}
  const value = [...checks].slice(0, mostComplaints).join(', ')
  return { headerEdits: [{ edit: 'append', name: field, value } as const] }
}

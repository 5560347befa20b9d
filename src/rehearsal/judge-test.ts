/** Holds what came of a policy test against what was expected of it. */
import type { ExpectedOutcome, PolicyTest } from '../config/policy-tests.ts'
import { tracedReason, type TracedReason } from '../filter/traced-reason.ts'
import { applyHeaderEdits } from '../mail/header-edits.ts'
import { parseHeader } from '../mail/header.ts'
import type { Committed } from '../testkit/memory-queue.ts'
import type { ClientReply } from './test-client.ts'
import type { PlayedTest } from './play-test.ts'

/** What differed, and the line that expected it otherwise. */
export interface Difference {
  readonly line: number
  readonly problem: string
}

export function judgeTest(test: PolicyTest, played: PlayedTest): readonly Difference[] {
  const { expected, line } = test
  const { missing, problem, faults } = played
  if (problem !== undefined) return [{ line, problem }]
  const remedy = (what: string): string =>
    what.startsWith('the DNS')
      ? 'write it under dns, or dns: real'
      : 'write off: [ENTRY], or net: real'
  const differences = missing.map((what) => ({
    line,
    problem: `${what}, which the test does not give; ${remedy(what)}`,
  }))
  for (const [name, outcome] of expected.outcomes) {
    const replies = repliesTo(name, played.replies)
    if (replies.length === 0) {
      const last = played.replies.at(-1)
      const end = last === undefined ? '' : `; the last reply was ${spelt(last)} at ${last.stage}`
      differences.push({ line: outcome.line, problem: `${name} was not reached${end}` })
    }
    for (const reply of replies) {
      const problem = outcomeDiffers(outcome, reply, reasonOf(reply, played))
      const whom = reply.recipient === undefined ? '' : ` of ${reply.recipient}`
      if (problem === undefined) continue
      const where = name === 'final' || !name.includes(' ') ? `${name}${whom}` : name
      differences.push({ line: outcome.line, problem: `${where}: ${problem}` })
    }
  }
  differences.push(...keptDiffers(test, played.commits))
  if (differences.length === 0) return []
  const why = faults.map((fault) => ({ line, problem: `a fault: ${fault}` }))
  return [...differences, ...why].toSorted((a, b) => a.line - b.line)
}

/** A stage, a stage and a recipient, or `final`. */
function repliesTo(name: string, replies: readonly ClientReply[]): readonly ClientReply[] {
  if (name === 'final') return replies.slice(-1)
  const [stage, recipient] = name.split(' ')
  return replies.filter(
    (reply) =>
      reply.stage === stage && (recipient === undefined || isSame(reply.recipient, recipient)),
  )
}

function isSame(a: string | undefined, b: string): boolean {
  return a?.toLowerCase() === b.toLowerCase()
}

function reasonOf(
  { stage, round, status, text, code }: ClientReply,
  { trace, commits }: PlayedTest,
): TracedReason | undefined {
  if (trace === undefined) return undefined
  const objection = code >= 400 ? { status, text } : undefined
  const found = tracedReason(trace, { stage, round, objection })
  if (found !== undefined || stage !== 'message' || objection !== undefined) return found
  const held = commits.find(({ placement }) => placement.disposition !== 'deliver')?.placement
  return held && { entry: held.grounds?.entry ?? '', reason: held.reason ?? '' }
}

function outcomeDiffers(
  { code, status, text, entry, reason }: ExpectedOutcome,
  reply: ClientReply,
  why: TracedReason | undefined,
): string | undefined {
  const wrong = [
    ...(code === undefined || code === reply.code ? [] : [`code ${code}`]),
    ...(status === undefined || status === reply.status ? [] : [`status ${status}`]),
    ...(text === undefined || reply.text.includes(text) ? [] : [`text '${text}'`]),
    ...(entry === undefined || entry === why?.entry ? [] : [`entry ${entry}`]),
    ...(reason === undefined || reason === why?.reason ? [] : [`reason ${reason}`]),
  ]
  if (wrong.length === 0) return undefined
  const by = why === undefined ? '' : ` (${[why.entry, why.reason].join(' ').trim()})`
  return `expected ${wrong.join(', ')}; it was ${spelt(reply)}${by}`
}

function spelt({ code, status, text }: ClientReply): string {
  return [code, status, text].filter((word) => word !== '').join(' ')
}

function keptDiffers(
  { expected: { quarantined, header } }: PolicyTest,
  commits: readonly Committed[],
): readonly Difference[] {
  const held = commits.some(({ placement }) => placement.disposition === 'hold')
  const differs = quarantined !== undefined && quarantined.value !== held
  const fields = commits.map(fieldsOf)
  return [
    ...(differs
      ? [{ line: quarantined.line, problem: held ? 'it is quarantined' : 'it is not quarantined' }]
      : []),
    ...header.flatMap(({ field, line }) =>
      fields.some((each) => each.includes(plainField(field)))
        ? []
        : [{ line, problem: `the header has no ${field}` }],
    ),
  ]
}

function fieldsOf({ message, placement }: Committed): readonly string[] {
  const received = message.bytes.subarray(0, message.bodyOffset)
  const { fields } = parseHeader(Buffer.from(applyHeaderEdits(received, placement.headerEdits)))
  return fields.map(({ name, value }) => plainField(`${name}:${value}`))
}

/** Without regard to case of the name, and to blanks around and folds in the value. */
function plainField(field: string): string {
  const colon = field.indexOf(':')
  return `${field.slice(0, colon).toLowerCase()}:${field
    .slice(colon + 1)
    .replaceAll(/\s+/g, ' ')
    .trim()}`
}

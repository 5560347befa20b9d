/** A recorded story as the API shows it, to those who may see all of it and to those who may see some. */
import type { Scope } from '../../admin/permissions.ts'
import type {
  Counterfactual,
  MessageDetails,
  MessageFilter,
  MessageSummary,
  Reply,
  TracedStep,
} from '../../admin/schemas/messages.ts'
import { isWithin, seesMessage } from '../../admin/scope.ts'
import type { TracedStep as RecordedStep } from '../../filter/trace-reader.ts'
import type { JsonObject } from '../../mail/json.ts'
import type { Counterfactual as Decided } from '../../trace/counterfactual.ts'
import type { Story } from '../../trace/story.ts'
import type { TraceSummary } from '../../trace/trace-summary.ts'

function summaryView(summary: TraceSummary): MessageSummary {
  const { client, recipients, session: _, acceptedCount: _count, stage: _stage, ...rest } = summary
  return { ...rest, remote: client, recipients: recipients.map(({ address }) => address) }
}

/**
 * Some questions look at recipients that are not theirs to know. Where there are any, the answer must not tell by being one
 * whom else the message was for. @returns undefined for what is not theirs
 */
export function summaryFor(
  found: TraceSummary,
  { text, address }: Pick<MessageFilter, 'text' | 'address'>,
  scope: Scope,
): MessageSummary | undefined {
  const message = seesMessage(summaryView(found), scope)
  if (message === undefined || scope.what === 'all') return message
  const partial = message.recipients.length < message.recipientCount
  return partial && (text !== undefined || address !== undefined) ? undefined : message
}

/** @returns undefined for a message of which who asks has no part */
export function storyView(story: Story, scope: Scope): MessageDetails | undefined {
  const summary = seesMessage(
    { ...summaryView(story.summary), recipients: story.recipients.map(({ address }) => address) },
    scope,
  )
  if (summary === undefined) return undefined
  const { session, hostname, tls, environment, forwarded, stage, thresholds, lost } = story
  const partial =
    summary.recipients.length < Math.max(story.recipients.length, summary.recipientCount)
  const sees = (address: string): boolean => isWithin(address, scope)
  return {
    ...summary,
    session,
    hostname,
    environment: partial ? '' : environment,
    stage,
    told: story.recipients.flatMap(({ address, accepted, ruled }, index) =>
      sees(address)
        ? [
            {
              address,
              accepted,
              ...(ruled === undefined ? {} : { ruled }),
              ...(accepted ? {} : replyOf(story.rulings[index])),
            },
          ]
        : [],
    ),
    placements: story.placements.flatMap((placement) => {
      const recipients = placement.recipients.filter(sees)
      return recipients.length === 0 ? [] : [{ ...placement, recipients }]
    }),
    thresholds: { ...thresholds },
    steps: stepsOf(story, partial ? sees : undefined),
    lost,
    counterfactuals: partial ? [] : story.counterfactuals.map(counterfactualView),
    // Whoever was told was told of somebody, who may be one of the others.
    attempts: story.attempts.filter(
      ({ recipient, outcome }) => sees(recipient) && !(partial && outcome === 'told'),
    ),
    partial,
    ...(tls === undefined ? {} : { tls }),
    ...(forwarded === undefined || partial ? {} : { forwarded }),
  }
}

/** What RCPT was answered, a refusal remembered from before included; nothing where steps were lost. */
function replyOf(ruling: Story['rulings'][number] | undefined): { readonly reply?: Reply } {
  if (ruling === undefined || ruling.ruling === 'pass') return {}
  const { code, status, text } = ruling
  return { reply: { code, status, text } }
}

/** @param sees absent: everything */
function stepsOf(
  { steps, recipients, summary }: Story,
  sees: ((address: string) => boolean) | undefined,
): readonly TracedStep[] {
  const deciding = decidingStep(steps, summary)
  return steps.flatMap((step, index) => {
    const about = step.round === 0 ? undefined : recipients[step.round - 1]?.address
    if (sees !== undefined && about !== undefined && !sees(about)) return []
    const view = { ...stepView(step, index), deciding: step === deciding }
    if (sees === undefined) return [view]
    // What a step found may speak of other people.
    const { evidence: _, findings: _findings, text: _text, ...bare } = view
    return [bare]
  })
}

/** The one that refused, held or discarded: the last word of the entry that the record names. */
function decidingStep(
  steps: readonly RecordedStep[],
  { entry, outcome }: TraceSummary,
): RecordedStep | undefined {
  if (entry === undefined || outcome === 'accepted') return undefined
  return steps.findLast(
    ({ entry: name, mode, verdict, kind }) =>
      name === entry && mode === 'enforce' && kind !== 'lifted' && !isAssent(verdict),
  )
}

function isAssent(verdict: string): boolean {
  return verdict === 'pass' || verdict === 'accept'
}

export function stepView(step: RecordedStep, index: number): TracedStep {
  const { kind, stage, question, entry, plugin, mode, round, verdict, details, durationMs } = step
  const { startedMs, fault } = step
  const { reason, text, status, score, evidence, findings } = details
  return {
    index,
    kind,
    stage,
    question,
    entry,
    plugin,
    mode,
    round,
    verdict,
    durationMs,
    deciding: false,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof text === 'string' ? { text } : {}),
    ...(typeof status === 'string' ? { status } : {}),
    ...(typeof score === 'number' ? { score } : {}),
    ...(isObject(evidence) ? { evidence } : {}),
    ...(findings === undefined ? {} : { findings: isObject(findings) ? findings : { findings } }),
    ...(startedMs === undefined ? {} : { startedMs }),
    ...(fault === undefined ? {} : { fault }),
  }
}

function isObject(value: JsonObject[string] | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function counterfactualView(decided: Decided): Counterfactual {
  if (decided.outcome === 'not known') {
    return { without: decided.without, known: false, unasked: decided.notAsked }
  }
  const said = 'code' in decided ? ` (${decided.code} ${decided.status} ${decided.text})` : ''
  return { without: decided.without, known: true, outcome: `${decided.outcome}${said}` }
}

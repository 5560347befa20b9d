/** How a transaction's steps are drawn: the stages in order, in each what told something and what kept quiet. */
import type { TracedStep } from '../../schemas/messages.ts'
import { plainText } from '../format/lines.ts'

export type StageState = 'passed' | 'ended' | 'unasked'

export interface DrawnStep {
  readonly step: TracedStep
  /** Few enough to be read at a glance. */
  readonly evidence: readonly (readonly [name: string, value: string])[]
  /** Evidence that is not shown here. */
  readonly more: number
}

export interface DrawnStage {
  readonly stage: string
  readonly state: StageState
  readonly telling: readonly DrawnStep[]
  /** Entries that had nothing to say. */
  readonly quiet: readonly TracedStep[]
  readonly durationMs: number
}

export const stageOrder = ['connect', 'hello', 'auth', 'mail', 'rcpt', 'data', 'message'] as const
const mostEvidence = 5
const longestEvidence = 160

/**
 * @param lastStage the last stage at which the chain was asked
 * @param ended whether the transaction was refused or deferred there
 */
export function layoutChain(
  steps: readonly TracedStep[],
  lastStage: string,
  ended: boolean,
): readonly DrawnStage[] {
  const last = stageOrder.findIndex((stage) => stage === lastStage)
  return stageOrder.flatMap((stage, index) => {
    const here = steps.filter((step) => step.stage === stage)
    // Most sessions never log in: then there is no such stage on their way.
    if (stage === 'auth' && here.length === 0) return []
    const [telling, quiet] = [here.filter(tells), here.filter((step) => !tells(step))]
    return [
      {
        stage,
        state: index > last ? 'unasked' : index === last && ended ? 'ended' : 'passed',
        telling: telling.map(drawStep),
        quiet,
        durationMs: here.reduce((sum, { durationMs }) => sum + durationMs, 0),
      },
    ]
  })
}

/** Whether a step is more than a plain pass. */
function tells({ verdict, reason, score, evidence, fault, deciding, kind }: TracedStep): boolean {
  return (
    verdict !== 'pass' ||
    deciding ||
    fault !== undefined ||
    kind !== 'asked' ||
    reason !== undefined ||
    (score !== undefined && score !== 0) ||
    (evidence !== undefined && Object.keys(evidence).length > 0)
  )
}

function drawStep(step: TracedStep): DrawnStep {
  const all = Object.entries(step.evidence ?? {})
  const evidence = all
    .slice(0, mostEvidence)
    .map(([name, value]) => [plainText(name), evidenceText(value)] as const)
  return { step, evidence, more: all.length - evidence.length }
}

/** Strings and numbers as they are, lists of them with commas, facts by their names; cut where it is long. */
export function evidenceText(value: unknown): string {
  const shown = plainText(written(value))
  return shown.length > longestEvidence ? `${shown.slice(0, longestEvidence)} …` : shown
}

function written(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) {
    const apart = value.some((each) => typeof each === 'object') ? '; ' : ', '
    return value.map(written).join(apart)
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  return Object.entries(value)
    .map(([name, each]) => `${name}: ${isNested(each) ? JSON.stringify(each) : written(each)}`)
    .join(', ')
}

/** Without its braces nobody could tell what belongs together. */
function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 1
}

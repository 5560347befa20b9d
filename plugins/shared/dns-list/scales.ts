/**
 * What the answers of several DNS lists come to, where some of them did not answer. A list that was not heard counts both
 * ways: only what holds whatever it would have said is a verdict. Pure.
 */
import type { FaultOutcome, JsonObject } from 'postern/plugin'
import type { DnsList } from './dns-list.ts'
import { evidenceOf, weightOf, type PanelAnswer } from './list-panel.ts'

export interface Scales {
  /** The sum of weights that refuses; `Infinity` where none does. */
  readonly threshold: number
  /** Each unit of weight scores: then every weight matters, below the threshold too. */
  readonly scores: boolean
  readonly onFault: FaultOutcome
  /** Lists whose hit lets everybody in, whatever the others say. */
  readonly allow?: readonly DnsList[]
}

/** `unknown`: a list that was not heard might have tipped the scales. */
export type Weighed = 'refused' | 'let in' | 'unknown'

/** @param answer of which no hit is in `allow` */
export function weighed(answer: PanelAnswer, scales: Scales): Weighed {
  const weight = weightOf(answer.hits)
  const unheard = unheardIn(answer, scales.onFault)
  const { threshold, allow = [] } = scales
  if (unheard.length === 0) return weight >= threshold ? 'refused' : 'let in'
  const mayExcuse = unheard.some((list) => allow.includes(list))
  const weights = unheard.filter((list) => !allow.includes(list)).map((list) => list.weight)
  const least = weights.reduce((sum, each) => sum + Math.min(each, 0), weight)
  const most = weights.reduce((sum, each) => sum + Math.max(each, 0), weight)
  if (least >= threshold && !mayExcuse) return 'refused'
  if (most >= threshold) return 'unknown'
  const scoreIsSure = least === most && (!mayExcuse || weight === 0)
  return scales.scores && !scoreIsSure ? 'unknown' : 'let in'
}

/**
 * A list that rests has failed and will for some time. Where a fault lets mail in anyway, the others go on without it;
 * else nothing is decided that it might have decided otherwise.
 */
function unheardIn({ failed, resting }: PanelAnswer, onFault: FaultOutcome): readonly DnsList[] {
  return resting.length === 0 || onFault === 'pass' ? failed : [...failed, ...resting]
}

/** Nothing is listed, and nobody was not heard: the way of most mail. */
export function isClear({ hits, failed, resting }: PanelAnswer): boolean {
  return hits.length === 0 && failed.length === 0 && resting.length === 0
}

/** The fault that `on_fault` is about; it names the lists. */
export function noAnswer(answers: readonly PanelAnswer[], onFault: FaultOutcome): Error {
  const names = new Set<string>()
  for (const answer of answers) {
    for (const list of unheardIn(answer, onFault)) {
      names.add(answer.resting.includes(list) ? `${list.base} (rests)` : list.base)
    }
  }
  return new Error(`no answer from ${[...names].slice(0, 5).join(', ')}`)
}

/** As evidence: what each list said, those that said nothing among them. */
export function evidenceOfAll(answers: readonly PanelAnswer[]): JsonObject {
  return { ...silenceIn(answers), ...evidenceOf(answers.flatMap(({ hits }) => hits)) }
}

/** As evidence: which lists said nothing. */
export function silenceIn(answers: readonly PanelAnswer[]): JsonObject {
  const silent = (lists: readonly DnsList[], what: string) => lists.map(({ base }) => [base, what])
  return Object.fromEntries([
    ...answers.flatMap(({ resting }) => silent(resting, 'rests')),
    ...answers.flatMap(({ failed }) => silent(failed, 'no answer')),
  ])
}

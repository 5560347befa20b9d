/**
 * What entries in shadow mode would have done to one transaction, said once for each of them: it stands in the record's head, so
 * that a report counts it without reading a step.
 */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { AnyVerdict } from '../plugin/verdict.ts'
import { list, text } from './read-json.ts'

/** Different sayings of one entry in one transaction that are told apart; further ones are left out. */
const mostSayings = 20
const mostChars = 200

/** Taken by the enforced chain all the same, refused by it, given up by the client. */
export const shadowFates = ['accepted', 'refused', 'givenUp'] as const
export type ShadowFate = (typeof shadowFates)[number]

/** `would`: a kind of verdict, `score`, or `fault`. `reason`: the verdict's, else its status; the kind of the fault. */
export type ShadowSaying = readonly [would: string, reason: string, fate: ShadowFate]
/** An entry that was asked, and what it said that would have counted. */
export type PackedShadow = readonly [entry: string, ...sayings: readonly ShadowSaying[]]

/** An answer of an entry in shadow mode. */
export interface ShadowStep {
  readonly entry: string
  readonly round: number
  readonly verdict: AnyVerdict | JsonObject
  /** Its kind. */
  readonly fault: string | undefined
}

/** @param fateOf what became of the mail that a round was about */
export function packShadows(
  steps: readonly ShadowStep[],
  fateOf: (round: number) => ShadowFate,
): readonly PackedShadow[] {
  const entries = new Map<string, Map<string, ShadowSaying>>()
  for (const { entry, round, verdict, fault } of steps) {
    const said = entries.get(entry) ?? new Map<string, ShadowSaying>()
    entries.set(entry, said)
    for (const [would, reason] of sayingsOf(verdict, fault)) {
      const key = `${would}\0${reason}`
      if (said.size < mostSayings && !said.has(key)) said.set(key, [would, reason, fateOf(round)])
    }
  }
  return [...entries].map(([entry, said]) => [entry, ...said.values()])
}

/** As the head of a stored record names them. */
export function readShadows({ shadows }: JsonObject): readonly PackedShadow[] {
  return list(shadows).map((shadow) => {
    const [entry, ...sayings] = list(shadow)
    return [text(entry), ...sayings.map(readSaying)]
  })
}

function readSaying(saying: JsonValue): ShadowSaying {
  const [would, reason, fate] = list(saying)
  return [text(would), text(reason), shadowFates.find((known) => known === fate) ?? 'givenUp']
}

export function isObjection([would]: ShadowSaying): boolean {
  return would !== 'fault'
}

export function shadowFate(
  { end, accepted }: { readonly end: string; readonly accepted: readonly boolean[] },
  round: number,
): ShadowFate {
  if (round > 0 && accepted[round - 1] === false) return 'refused'
  if (end === 'committed') return 'accepted'
  const isRefused = end === 'refused' || (accepted.length > 0 && !accepted.includes(true))
  return isRefused ? 'refused' : 'givenUp'
}

type Saying = readonly [would: string, reason: string]

/** A verdict, or one that was stored. */
interface Spoken {
  readonly verdict?: unknown
  readonly reason?: unknown
  readonly status?: unknown
  readonly score?: unknown
  readonly recipientScores?: unknown
  readonly verdicts?: unknown
}

/** None where it had nothing to say that would have counted. */
function sayingsOf(verdict: Spoken, fault: string | undefined): readonly Saying[] {
  if (fault !== undefined) return fault === 'aborted' ? [] : [['fault', fault]]
  if (verdict.verdict !== 'per-recipient') return sayingOf(verdict)
  const own = sayingOf({ ...verdict, verdict: 'pass' })
  return Array.isArray(verdict.verdicts) ? own.concat(verdict.verdicts.flatMap(sayingOf)) : own
}

function sayingOf({ verdict, reason, status, score, recipientScores }: Spoken): Saying[] {
  const why = typeof reason === 'string' ? reason : typeof status === 'string' ? status : ''
  const said = why.slice(0, mostChars)
  if (verdict !== 'pass') return [[String(verdict), said]]
  const scores = Array.isArray(recipientScores) ? [score, ...recipientScores] : [score]
  const counts = scores.some((each) => typeof each === 'number' && each !== 0)
  return counts ? [['score', said]] : []
}

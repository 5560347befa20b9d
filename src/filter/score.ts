import type { Step } from './step.ts'

/** What the opinions of a transaction sum up to, for the recipient with the most. */
export function scoreOf(steps: readonly Step[]): number {
  let all = 0
  let own: Map<string, number> | undefined
  const add = (whose: string, score: number): void => {
    own ??= new Map()
    own.set(whose, (own.get(whose) ?? 0) + score)
  }
  for (const { kind, place, round, verdict } of steps) {
    if (kind !== 'asked' || place.entry.shadow) continue
    if (verdict.score !== undefined) {
      if (round === 0) all += verdict.score
      else add(`round ${round}`, verdict.score)
    }
    for (const [index, score] of verdict.recipientScores?.entries() ?? []) add(`${index}`, score)
    if (verdict.verdict !== 'per-recipient') continue
    for (const [index, { score }] of verdict.verdicts.entries()) add(`${index}`, score ?? 0)
  }
  const most = own === undefined ? 0 : Math.max(...own.values())
  return Math.round((all + most) * 1000) / 1000
}

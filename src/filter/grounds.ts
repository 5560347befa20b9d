/** What an operator needs to judge why a message is held: the entry that held it and its evidence, or what scored. */
import { parseJson } from '../mail/json.ts'
import type { Grounds } from '../queue/queue.ts'
import type { Opinion, Outcome } from './decision.ts'
import { jsonWithin } from './json-within.ts'
import { isObject } from './read-json.ts'

/** Characters of evidence that lie with each held message. */
const evidenceBudget = 2000
/** Entries whose scores are named. */
const mostScores = 20

export interface GroundsQuestion {
  readonly transaction: string
  readonly outcome: Outcome
  /** Those of enforced entries. */
  readonly opinions: readonly Opinion[]
  /** In the transaction; absent for one that was added. */
  readonly recipient: number | undefined
}

export function groundsOf(question: GroundsQuestion): Grounds {
  const { transaction, outcome, recipient } = question
  const { opinion, score } = outcome
  if (opinion === undefined) {
    const scores = scoresOf(question)
    return { transaction, score, ...(scores.length === 0 ? {} : { evidence: { scores } }) }
  }
  const { verdict } = opinion
  const own =
    verdict.verdict === 'per-recipient' && recipient !== undefined
      ? verdict.verdicts[recipient]
      : undefined
  const given = own?.evidence ?? verdict.evidence ?? {}
  const evidence = parseJson(jsonWithin(given, { left: evidenceBudget }))
  return {
    transaction,
    entry: opinion.entry,
    score,
    ...(isObject(evidence) && Object.keys(evidence).length > 0 ? { evidence } : {}),
  }
}

function scoresOf({
  opinions,
  recipient,
}: GroundsQuestion): readonly (readonly [string, number])[] {
  return opinions
    .flatMap(({ entry, verdict, recipients }): readonly (readonly [string, number])[] => {
      if (recipients !== undefined && !recipients.includes(recipient ?? -1)) return []
      const own = recipient === undefined ? undefined : verdict.recipientScores?.[recipient]
      const part =
        verdict.verdict === 'per-recipient' && recipient !== undefined
          ? verdict.verdicts[recipient]?.score
          : undefined
      const score = (verdict.score ?? 0) + (own ?? 0) + (part ?? 0)
      return score === 0 ? [] : [[entry, score]]
    })
    .slice(0, mostScores)
}

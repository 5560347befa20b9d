/**
 * What simcontrol says about a recipient's spam: a score from which on it is not wanted, or that all of it is. Then that alone
 * decides: the score is not added to those of others, for which the thresholds of everybody count.
 */
import {
  defer,
  discard,
  pass,
  quarantine,
  reject,
  type Opinion,
  type RecipientVerdict,
  type SimOptions,
} from 'postern/plugin'

export const limitOutcomes = ['reject', 'defer', 'quarantine', 'discard'] as const
export type LimitOutcome = (typeof limitOutcomes)[number]

/** The score from which on a message is spam; Infinity: whatever it scores it is delivered (`spam_passthru`). */
export function limitOf(options: SimOptions | undefined): number | undefined {
  return options?.spamPassthru === true ? Infinity : options?.spamHits
}

/** What tells recipients apart about whom one reply could not be true; as text, since JSON has neither Infinity nor undefined. */
export function spamRuleOf(options: SimOptions): string {
  return options.spam === true ? String(limitOf(options)) : 'not scanned'
}

/**
 * @param limit none: the thresholds decide
 * @param opinion with the score as it counts among others
 */
export function verdictWithin<Given extends string>(
  limit: number | undefined,
  { score, opinion }: { readonly score: number; readonly opinion: Opinion<Given> },
  outcome: LimitOutcome,
): RecipientVerdict<Given> {
  if (limit === undefined) return pass(opinion)
  const { score: _counted, ...rest } = opinion
  const evidence = { ...opinion.evidence, limit: Number.isFinite(limit) ? limit : 'passthru' }
  if (score < limit) return pass({ ...rest, evidence })
  const said = { ...rest, reason: 'SPAM', evidence }
  // In simscan's words.
  const text = `Your email is considered spam (${score.toFixed(2)} spam-hits)`
  switch (outcome) {
    case 'reject':
      return reject('5.7.1', text, said)
    case 'defer':
      return defer('4.7.1', text, said)
    case 'quarantine':
      return quarantine(said)
    case 'discard':
      return discard(said)
  }
}

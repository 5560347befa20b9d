import type { SpfWord } from './evaluate.ts'

export const levels = ['control', '0', '1', '2', '3', '4', '5', '6'] as const

/** Where control/spfbehavior is not there: the entry stands in the chain, so a fail is refused. */
export const usualLevel = 3

/** From which level on a result is refused. */
const refusedFrom: Readonly<Record<Exclude<SpfWord, 'pass' | 'temperror'>, number>> = {
  fail: 3,
  softfail: 4,
  neutral: 5,
  none: 6,
  permerror: 6,
}

/** The table of SPFBEHAVIOR: what becomes of a result at a level. */
export function behaviour(result: SpfWord, level: number): 'accept' | 'defer' | 'reject' {
  if (result === 'pass') return 'accept'
  if (result === 'temperror') return level >= 2 ? 'defer' : 'accept'
  return level >= refusedFrom[result] ? 'reject' : 'accept'
}

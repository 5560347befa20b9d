/**
 * DKVERIFY of qmail-dk: each letter stands for a result of libdomainkeys; a capital refuses mail with that result for
 * good, a small letter for now. What DKIM says is put into its words here; DomainKeys themselves (RFC 4870) are not read.
 */
import type { DkimFinding } from './findings.ts'

/** In the order of libdomainkeys' `DK_STAT`: `H`, `I` and `K` are faults of the program itself, and never come of DKIM. */
export type DkLetter = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'J'

export function letterOf({ result, problem }: DkimFinding): DkLetter {
  if (result === 'pass') return 'A'
  if (result === 'none') return 'C'
  switch (problem) {
    case 'no-key':
      return 'D'
    case 'bad-key':
    case 'weak-key':
      return 'E'
    case 'dns':
      return 'F'
    case 'revoked-key':
      return 'J'
    case 'syntax':
    case 'limit':
      return 'G'
    default:
      return 'B'
  }
}

/** @param letters as in the variable; others than letters mean nothing */
export function dkverify(letters: string, finding: DkimFinding): 'reject' | 'defer' | undefined {
  const letter = letterOf(finding)
  if (letters.includes(letter)) return 'reject'
  return letters.includes(letter.toLowerCase()) ? 'defer' : undefined
}

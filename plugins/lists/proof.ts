/** Who vouches for the domain of a sender: SPF for the reverse-path, DKIM for whoever signed; aligned as DMARC has it. */
import { getDomain } from 'tldts'
import type { Findings, ListedMail } from 'postern/plugin'
import { dkimResult, type DkimFinding } from '../dkim/findings.ts'
import { spfResult } from '../spf/findings.ts'

/** A sender by the very domain that SPF checked, or of an organisation that signed; From by its organisation (RFC 7489 §3.1). */
export function proofIn(findings: Findings<'spf' | 'dkim'>): ListedMail['isProven'] {
  return (domain, by) => {
    const wanted = domain.toLowerCase()
    const spf = findings.get(spfResult)
    if (spf?.result === 'pass' && spf.identity === 'mailfrom') {
      if (spf.domain.toLowerCase() === wanted) return true
      if (by === 'from' && isAligned(spf.domain, wanted)) return true
    }
    const signatures = findings.get(dkimResult)?.signatures ?? []
    return signatures.some((each) => signsAll(each) && isAligned(each.domain, wanted))
  }
}

/** Behind the end of what is signed anybody may have written. */
function signsAll({ result, bodyLimit }: DkimFinding['signatures'][number]): boolean {
  return result === 'pass' && (bodyLimit === undefined || bodyLimit.unsignedBytes === 0)
}

/** Of one organisation: the same name below a public suffix. */
function isAligned(a: string, b: string): boolean {
  if (a.toLowerCase() === b) return true
  const organisation = getDomain(b, { allowPrivateDomains: true })
  return organisation !== null && getDomain(a, { allowPrivateDomains: true }) === organisation
}

/** Who vouches for the domain of a sender: SPF for the reverse-path, DKIM for whoever signed; aligned as DMARC has it. */
import { getDomain } from 'tldts'
import { findingKey, type Findings, type ListedMail } from 'postern/plugin'
import { spfResult } from '../spf/findings.ts'

/** The finding of the entry that checks DKIM signatures, as far as it is read here. */
export const dkimSignatures = findingKey<{
  readonly signatures: readonly { readonly domain: string; readonly result: string }[]
}>('dkim')

/** A sender by the very domain that SPF checked, or of an organisation that signed; From by its organisation (RFC 7489 §3.1). */
export function proofIn(findings: Findings): ListedMail['isProven'] {
  return (domain, by) => {
    const wanted = domain.toLowerCase()
    const spf = findings.get(spfResult)
    if (spf?.result === 'pass' && spf.identity === 'mailfrom') {
      if (spf.domain.toLowerCase() === wanted) return true
      if (by === 'from' && isAligned(spf.domain, wanted)) return true
    }
    const signatures = findings.get(dkimSignatures)?.signatures ?? []
    return signatures.some((each) => each.result === 'pass' && isAligned(each.domain, wanted))
  }
}

/** Of one organisation: the same name below a public suffix. */
function isAligned(a: string, b: string): boolean {
  if (a.toLowerCase() === b) return true
  const organisation = getDomain(b, { allowPrivateDomains: true })
  return organisation !== null && getDomain(a, { allowPrivateDomains: true }) === organisation
}

/**
 * Whether the domains in From stand behind a message: by what is proven of it, and by what might be if the DNS answered.
 * What fails only because it does not answer has not failed for good (RFC 7489 §6.6.2), nor what fails without DKIM's word.
 */
import type { Findings } from 'postern/plugin'
import { arcResult } from '../arc/findings.ts'
import { dkimResult } from '../dkim/findings.ts'
import { spfResult } from '../spf/findings.ts'
import { evaluateDmarc, type DmarcAnswer, type DmarcParts } from './evaluate.ts'
import type { DmarcFinding } from './findings.ts'
import { rescuer } from './rescue.ts'

export type Known = Findings<'spf' | 'dkim' | 'arc'>

export interface Belief {
  /** A signature that leaves the end of the body unsigned counts. */
  readonly partlySigned: boolean
  /** ARC sealers by domain, in lower case. */
  readonly trusted: ReadonlySet<string>
}

/** Of several authors each has a say: a reader may be shown any of them (RFC 7489 §6.6.1). The strictest answer counts. */
export async function judge(
  authors: readonly string[],
  { findings, belief }: { readonly findings: Known; readonly belief: Belief },
  parts: DmarcParts,
): Promise<DmarcFinding> {
  const proven = identities(findings, belief, ['pass'])
  const hoped = identities(findings, belief, ['pass', 'temperror'])
  let worst: DmarcFinding | undefined
  for (const domain of authors) {
    const answer = await evaluateDmarc({ domain, ...proven }, parts)
    const found = answer.result === 'fail' ? await atSecondSight(answer) : answer
    if (worst === undefined || severity(found) > severity(worst)) worst = found
  }
  return worst ?? unclear('there is no author')

  async function atSecondSight(answer: DmarcAnswer): Promise<DmarcFinding> {
    const { domain } = answer
    const chain = findings.get(arcResult)
    const sets = chain?.result === 'pass' ? chain.sets : []
    const by = rescuer(sets, domain, belief.trusted)
    if (by !== undefined) return { ...answer, rescuedBy: by }
    // Its entry failed, or was not asked: any signature might hold.
    if (findings.get(dkimResult) === undefined) return unproven(answer, 'unsaid')
    if (isMore(hoped, proven)) {
      const { result, aligned } = await evaluateDmarc({ domain, ...hoped }, parts)
      if (result === 'pass') return unproven(answer, aligned?.dkim === true ? 'dkim' : 'spf')
    }
    const mightRescue = rescuer(chain?.unproven ?? [], domain, belief.trusted)
    return mightRescue === undefined ? answer : unproven(answer, 'arc')
  }
}

/** What cannot be read in one way is never a pass. */
export function unclear(problem: string): DmarcFinding {
  return { result: 'permerror', domain: '', problem }
}

interface Identities {
  readonly spfDomain: string | undefined
  readonly dkimDomains: readonly string[]
}

/** Who stands behind the message, by results that count. */
function identities(
  findings: Known,
  { partlySigned }: Belief,
  counts: readonly string[],
): Identities {
  const spf = findings.get(spfResult)
  const signatures = findings.get(dkimResult)?.signatures ?? []
  return {
    spfDomain: spf !== undefined && counts.includes(spf.result) ? spf.domain : undefined,
    dkimDomains: signatures
      .filter(({ result }) => counts.includes(result))
      .filter(({ bodyLimit }) => partlySigned || (bodyLimit?.unsignedBytes ?? 0) === 0)
      .map(({ domain }) => domain),
  }
}

function isMore(some: Identities, others: Identities): boolean {
  return some.spfDomain !== others.spfDomain || some.dkimDomains.length > others.dkimDomains.length
}

const whatIsMissing = {
  unsaid: 'the entry for DKIM has said nothing',
  dkim: 'the key of a signature that might prove it cannot be looked up',
  spf: 'the SPF policy that might prove it cannot be looked up',
  arc: 'a key of the ARC chain of a trusted sealer cannot be looked up',
} as const

function unproven(answer: DmarcAnswer, by: keyof typeof whatIsMissing): DmarcFinding {
  const missing = by === 'unsaid' ? 'dkim' : by
  return { ...answer, result: 'temperror', unproven: missing, problem: whatIsMissing[by] }
}

/** What might have passed weighs less than what failed, by the same policy, and more than what fails by a milder one. */
function severity({ result, policy, unproven: missing, rescuedBy }: DmarcFinding): number {
  if (result === 'pass') return 0
  if (result === 'none') return 1
  if (result === 'temperror' && missing === undefined) return 2
  if (rescuedBy !== undefined) return 2.5
  const failed = 4 + ['none', 'quarantine', 'reject'].indexOf(policy ?? 'none')
  return missing === undefined ? failed : failed - 0.5
}

/** From findings to the results of one field, in the words of RFC 8601 §2.7. Pure. */
import type { ReversePath } from 'postern/plugin'
import type { ArcFinding } from '../arc/findings.ts'
import type { DkimFinding } from '../dkim/findings.ts'
import type { DmarcFinding } from '../dmarc/findings.ts'
import { asciiAddress, asciiName } from '../shared/mailauth/ascii-names.ts'
import type { ResultToWrite } from '../shared/mailauth/write-results.ts'
import type { SpfFinding } from '../spf/findings.ts'
import type { IprevFinding } from './findings.ts'

export interface Known {
  readonly address: string
  readonly reversePath: ReversePath
  readonly login: { readonly user: string; readonly reveal: boolean } | undefined
  readonly iprev: IprevFinding | undefined
  readonly spf: SpfFinding | undefined
  readonly dkim: DkimFinding | undefined
  readonly arc: ArcFinding | undefined
  readonly dmarc: DmarcFinding | undefined
}

export function resultsOf(known: Known): readonly ResultToWrite[] {
  const { login, iprev, spf, dkim, arc, dmarc } = known
  return [
    ...(login === undefined ? [] : [byLogin(login)]),
    ...(iprev === undefined ? [] : [byIprev(iprev, known)]),
    ...(spf === undefined ? [] : [bySpf(spf, known)]),
    ...(dkim === undefined ? [] : byDkim(dkim)),
    ...(arc === undefined || arc.result === 'none' ? [] : [byArc(arc, known)]),
    ...(dmarc === undefined ? [] : [byDmarc(dmarc)]),
  ]
}

function byLogin({ user, reveal }: NonNullable<Known['login']>): ResultToWrite {
  return { method: 'auth', result: 'pass', properties: { 'smtp.auth': reveal ? user : '' } }
}

function byIprev({ result }: IprevFinding, { address }: Known): ResultToWrite {
  return { method: 'iprev', result, properties: { 'policy.iprev': address } }
}

function bySpf({ result, domain, identity }: SpfFinding, { reversePath }: Known): ResultToWrite {
  const properties =
    identity === 'helo' || reversePath === null
      ? { 'smtp.helo': asciiName(domain) }
      : { 'smtp.mailfrom': asciiAddress(reversePath) }
  return { method: 'spf', result, properties }
}

function byDkim({ result, problem, signatures }: DkimFinding): readonly ResultToWrite[] {
  if (signatures.length === 0) {
    return [{ method: 'dkim', result, ...(problem === undefined ? {} : { reason: problem }) }]
  }
  return signatures.map((each) => ({
    method: 'dkim',
    result: each.result,
    ...reasonOf(each),
    properties: {
      'header.d': each.domain,
      'header.s': each.selector,
      'header.a': each.algorithm,
      'header.b': each.signature,
    },
  }))
}

/** An `l=` that leaves something out is said aloud: the signature is not one of the whole message. */
function reasonOf({
  problem,
  bodyLimit,
}: DkimFinding['signatures'][number]): Pick<ResultToWrite, 'reason'> {
  if (problem !== undefined) return { reason: problem }
  if (bodyLimit === undefined || bodyLimit.unsignedBytes === 0) return {}
  return { reason: `${bodyLimit.unsignedBytes} bytes of the body are not signed` }
}

function byArc({ result, problem }: ArcFinding, { address }: Known): ResultToWrite {
  return {
    method: 'arc',
    result,
    ...(problem === undefined ? {} : { reason: problem }),
    properties: { 'smtp.remote-ip': address },
  }
}

function byDmarc({ result, domain, policy, rescuedBy, problem }: DmarcFinding): ResultToWrite {
  const why = rescuedBy === undefined ? problem : `trusted ARC sealer ${rescuedBy}`
  return {
    method: 'dmarc',
    result,
    ...(why === undefined ? {} : { reason: why }),
    properties: { 'header.from': domain, 'policy.dmarc': policy },
  }
}

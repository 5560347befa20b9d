/**
 * DMARC for one domain by mailauth: the tree walk of RFC 9989 §4.10, alignment, `sp`, `np` and `t`. What RFC 7489 still
 * had, and domains still publish, is added: `pct`. Never throws for what a domain publishes or a name server does.
 */
import type * as DmarcLibrary from 'mailauth/lib/dmarc/index.js'
import type { Dns, Random } from 'postern/plugin'
import { dnsResolver, textResolver } from '../shared/mailauth/dns-resolver.ts'
import type { DmarcPolicy } from './findings.ts'

export interface DmarcQuestion {
  /** In From. */
  readonly domain: string
  /** That passed SPF. */
  readonly spfDomain: string | undefined
  /** Of signatures that hold. */
  readonly dkimDomains: readonly string[]
}

export interface DmarcAnswer {
  readonly domain: string
  readonly result: 'none' | 'pass' | 'fail' | 'temperror'
  readonly policyDomain?: string
  readonly policy?: DmarcPolicy
  readonly published?: DmarcPolicy
  readonly aligned?: { readonly spf: boolean; readonly dkim: boolean }
  readonly sampledOut?: true
  readonly testing?: true
  readonly problem?: string
}

/** What we use of mailauth's answer. */
interface DmarcResponse {
  readonly status: { readonly result: string }
  readonly policyDomain?: string
  readonly policy?: string
  readonly p?: string
  readonly sp?: string
  readonly testMode?: boolean
  readonly error?: string
  readonly alignment?: {
    readonly spf: { readonly result?: string | undefined }
    readonly dkim: { readonly result?: string | undefined }
  }
  /** The record as published. */
  readonly rr?: string
}

/** Before the first message, which would otherwise wait for it. */
export function loadDmarc(): Promise<typeof DmarcLibrary> {
  return import('mailauth/lib/dmarc/index.js')
}

export interface DmarcParts {
  readonly library: typeof DmarcLibrary
  readonly dns: Dns
  readonly signal: AbortSignal
  readonly random: Random
  /** Whether `pct` leaves messages out. */
  readonly pct: boolean
}

export async function evaluateDmarc(
  { domain, spfDomain, dkimDomains }: DmarcQuestion,
  { library, dns, signal, random, pct }: DmarcParts,
): Promise<DmarcAnswer> {
  const { response, reason } = await library.evaluateDmarc({
    headerFrom: [`author@${domain}`],
    fromFields: 1,
    spfDomains: spfDomain === undefined ? [] : [spfDomain],
    dkimDomains: dkimDomains.map((each) => ({ domain: each })),
    // Eight for each tree walk (RFC 9989 §4.10), of which it makes at most eleven, and two for `np`.
    resolver: textResolver(dnsResolver({ dns, signal, address: '', mostQuestions: 100 })),
    strict: true,
  })
  if (response === false) return { domain, result: 'none', problem: reason ?? 'no author' }
  const result = words.find((word) => word === response.status.result) ?? 'none'
  if (result === 'none') return { domain, result }
  const { error, policyDomain } = response
  const policy = policyOf(response.policy)
  return {
    domain,
    result,
    ...(policyDomain === undefined ? {} : { policyDomain }),
    ...(policy === undefined ? {} : { policy }),
    ...published(response, domain),
    ...alignment(response),
    ...(response.testMode === true ? { testing: true } : {}),
    ...(error === undefined ? {} : { problem: error.slice(0, 200) }),
    ...(result === 'fail' && policy !== undefined && pct ? sampled(response, policy, random) : {}),
  }
}

const words = ['none', 'pass', 'fail', 'temperror'] as const
const policies: readonly DmarcPolicy[] = ['none', 'quarantine', 'reject']

function policyOf(text: string | undefined): DmarcPolicy | undefined {
  return policies.find((policy) => policy === text)
}

function published(
  { p, sp, policyDomain }: DmarcResponse,
  domain: string,
): { readonly published?: DmarcPolicy } {
  const policy = policyOf(policyDomain === domain ? p : (sp ?? p))
  return policy === undefined ? {} : { published: policy }
}

function alignment({ alignment: found }: DmarcResponse): Pick<DmarcAnswer, 'aligned'> {
  if (found === undefined) return {}
  return {
    aligned: { spf: found.spf.result !== undefined, dkim: found.dkim.result !== undefined },
  }
}

/**
 * RFC 7489 §6.6.4: mail that `pct` leaves out gets the next milder policy. Where it is no number, it says nothing (§6.3), and is
 * not the 0 that mailauth reads.
 */
function sampled(
  { rr = '' }: DmarcResponse,
  policy: DmarcPolicy,
  random: Random,
): { readonly policy?: DmarcPolicy; readonly sampledOut?: true } {
  const [, digits] = /;[ \t]*pct[ \t]*=[ \t]*(\d{1,3})[ \t]*(?:;|$)/.exec(rr) ?? []
  if (digits === undefined || policy === 'none') return {}
  if (random.integer(100) < Number(digits)) return {}
  return { policy: policy === 'reject' ? 'quarantine' : 'none', sampledOut: true }
}

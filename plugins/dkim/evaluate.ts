/** From what mailauth reports to one finding. Pure. */
import type { VerifiedSignature } from '../shared/mailauth/verify-signatures.ts'
import type { DkimFinding, DkimProblem, DkimWord } from './findings.ts'

export type DkimSignature = DkimFinding['signatures'][number]

const words: readonly DkimWord[] = [
  'pass',
  'temperror',
  'policy',
  'fail',
  'permerror',
  'neutral',
  'none',
]

export const noSignature: DkimFinding = { result: 'none', signatures: [] }

/** Signed, and more than we verify. */
export const beyondLimits: DkimFinding = { result: 'policy', problem: 'limit', signatures: [] }

/** Signed, in ways that mailauth does not even name. */
const unreadable: DkimFinding = { result: 'neutral', problem: 'syntax', signatures: [] }

/**
 * The best result counts: one signature that holds is enough, and a temporary failure might have been one.
 * @param results of a message that has at least one DKIM-Signature field
 */
export function dkimFinding(results: readonly VerifiedSignature[]): DkimFinding {
  const signatures = results
    .filter(({ status, signingDomain }) => status.result !== 'none' || signingDomain !== undefined)
    .map(signatureOf)
  const best = words
    .map((word) => signatures.find(({ result }) => result === word))
    .find((each) => each !== undefined)
  if (best === undefined) return unreadable
  const { result, problem } = best
  return { result, ...(problem === undefined ? {} : { problem }), signatures }
}

function signatureOf(verified: VerifiedSignature): DkimSignature {
  const { status, selector, algo, modulusLength } = verified
  const said = words.find((word) => word === status.result) ?? 'neutral'
  const problem = problemOf(said, verified)
  // RFC 6376 §6.1.3 step 3: a signature over another body has failed.
  const result = problem === 'body-hash' ? 'fail' : said
  const limit = bodyLimitOf(verified)
  const identity = status.header?.i
  return {
    domain: (verified.signingDomain ?? '').toLowerCase(),
    selector: selector ?? '',
    result,
    algorithm: (algo ?? '').toLowerCase(),
    ...(problem === undefined ? {} : { problem }),
    ...(status.comment === undefined ? {} : { comment: status.comment.slice(0, 200) }),
    ...(modulusLength === undefined ? {} : { keyBits: modulusLength }),
    ...(typeof identity === 'string' ? { identity: identity.slice(0, 320) } : {}),
    ...(verified.signature === undefined ? {} : { signature: beginning(verified.signature) }),
    ...(status.testing === true ? { testing: true } : {}),
    ...(limit === undefined ? {} : { bodyLimit: limit }),
  }
}

function beginning(signature: string): string {
  return signature.replace(/[^A-Za-z0-9+/=]/g, '').slice(0, 8)
}

function bodyLimitOf(verified: VerifiedSignature): DkimSignature['bodyLimit'] {
  if (verified.canonBodyLengthLimited !== true) return undefined
  const signedBytes = verified.canonBodyLength ?? 0
  const total = verified.canonBodyLengthTotal ?? signedBytes
  return { signedBytes, unsignedBytes: Math.max(0, total - signedBytes) }
}

/** mailauth says why in words of its own (its `KEY_ERROR_COMMENTS`); ours are those that others may rely on. */
const problems: ReadonlyMap<string, DkimProblem> = new Map([
  ['no key', 'no-key'],
  ['unknown key version', 'bad-key'],
  ['unknown key type', 'bad-key'],
  ['invalid public key', 'bad-key'],
  ['inappropriate hash algorithm', 'bad-key'],
  ['inappropriate key algorithm', 'bad-key'],
  ['key not for email', 'bad-key'],
  ['domain mismatch', 'bad-key'],
  ['weak algorithm', 'weak-key'],
  ['body hash did not verify', 'body-hash'],
  ['bad signature', 'signature'],
  ['expired', 'expired'],
])

function problemOf(
  result: DkimWord,
  { status: { comment }, rr }: VerifiedSignature,
): DkimProblem | undefined {
  if (result === 'pass' || result === 'none') return undefined
  if (result === 'temperror') return 'dns'
  const problem = problems.get(comment ?? '')
  if (problem === 'bad-key' && isRevoked(rr)) return 'revoked-key'
  return problem ?? (result === 'policy' ? 'weak-key' : 'syntax')
}

/** RFC 6376 §3.6.1: an empty `p=`. */
function isRevoked(record: string | undefined): boolean {
  return record !== undefined && record.split(';').some((tag) => /^\s*p\s*=\s*$/.test(tag))
}

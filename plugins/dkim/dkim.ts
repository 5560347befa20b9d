/**
 * Verifies the DKIM signatures of the message as it was received (RFC 6376), and reports what it found to later entries
 * whatever is done about it. A signature that does not hold is worth as little as none (§6.3), so by default nothing is.
 */
import { definePlugin, finding, option, type JsonObject } from 'postern/plugin'
import { actions, carryOut, passingActions, type Action } from '../shared/mailauth/actions.ts'
import { resultCounter } from '../shared/mailauth/count-results.ts'
import { lookAtSignedHeader } from '../shared/mailauth/signed-header.ts'
import { SignatureVerifier } from '../shared/mailauth/verify-signatures.ts'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'
import { dkverify } from './dkverify.ts'
import { beyondLimits, dkimFinding, noSignature } from './evaluate.ts'
import { dkimResult, type DkimFinding } from './findings.ts'

export const dkim = definePlugin({
  name: 'dkim',
  summary: 'Verifies DKIM signatures.',
  defaults: { unless: { authenticated: true } },
  provides: [dkimResult],
  options: {
    none: option.choice(actions, {
      default: 'none',
      description: 'What becomes of mail without a signature.',
    }),
    fail: option.choice(actions, {
      default: 'none',
      description: 'Of mail whose best signature does not hold.',
    }),
    unusable: option.choice(actions, {
      default: 'none',
      description: 'Of mail whose best signature cannot be judged: key missing or weak, malformed.',
    }),
    temperror: option.choice(passingActions, {
      default: 'none',
      description: 'Where the DNS did not answer for a key, and no other signature holds.',
    }),
    letters: option.string({
      default: '',
      env: 'DKVERIFY',
      maxLength: 26,
      description:
        'As qmail-dk reads DKVERIFY: a capital letter refuses a result, a small one defers.',
    }),
    strict: option.boolean({
      default: true,
      description: 'Signatures and keys keep to the letter of RFC 6376; or as others read them.',
    }),
    rsa_sha1: option.boolean({
      default: false,
      description: 'RSA-SHA1 counts, which RFC 8301 forbids; only without strict.',
    }),
    min_key_bits: option.integer({
      default: 1024,
      min: 512,
      max: 4096,
      description: 'Shorter RSA keys prove nothing: policy.',
    }),
    max_signatures: option.integer({
      default: 10,
      min: 1,
      max: 20,
      description: 'Mail with more of them is not verified: policy.',
    }),
    max_header: option.size({
      default: '256KB',
      description: 'Mail with more header is not verified: policy.',
    }),
  },
  setup(_defaults, { dns, clock, metrics }) {
    const count = resultCounter(metrics, 'DKIM')
    const verifier = new SignatureVerifier()
    return {
      probe: (signal) => probeDns(dns, signal),
      async open() {
        await verifier.load()
      },
      async message({ message }, { options, signal }) {
        const limits = { maxSignatures: options.max_signatures, maxHeaderBytes: options.max_header }
        const header = await lookAtSignedHeader(message, limits)
        const verify = async (): Promise<{ found: DkimFinding; unfit?: string }> => {
          if (header.unfit !== undefined) return { found: beyondLimits, unfit: header.unfit }
          if (header.signatures === 0) return { found: noSignature }
          const mostQuestions = 2 * options.max_signatures
          const verified = await verifier.verify(message, 'DKIM', {
            rules: {
              strict: options.strict,
              rsaSha1: options.rsa_sha1,
              minKeyBits: options.min_key_bits,
            },
            dns,
            signal,
            now: clock.now(),
            mostQuestions,
          })
          return 'unfit' in verified
            ? { found: beyondLimits, unfit: verified.unfit }
            : { found: dkimFinding(verified.results) }
        }
        const { found, unfit } = await verify()
        count(found.result)
        return carryOut(dkverify(options.letters, found) ?? actionFor(found, options), {
          tag: { field: 'X-Postern-DKIM', value: found.result },
          refusals: {
            reject: { status: '5.7.20', text: refusalText(found) },
            defer: { status: '4.7.5', text: deferralText(found) },
          },
          opinion: {
            reason: `DKIM_${found.result.toUpperCase()}`,
            evidence: evidenceOf(found, unfit),
            findings: [finding(dkimResult, found)],
          },
        })
      },
    }
  },
})

interface Actions {
  readonly none: Action
  readonly fail: Action
  readonly unusable: Action
  readonly temperror: Action
}

function actionFor({ result }: DkimFinding, wanted: Actions): Action {
  switch (result) {
    case 'pass':
      return 'none'
    case 'none':
      return wanted.none
    case 'fail':
      return wanted.fail
    case 'temperror':
      return wanted.temperror
    case 'policy':
    case 'neutral':
    case 'permerror':
      return wanted.unusable
  }
}

/** RFC 7372 §3.1 has two statuses for it; 5.7.20 says that no signature passed. */
function refusalText({ result }: DkimFinding): string {
  switch (result) {
    case 'none':
      return 'This message is not signed by DKIM'
    case 'pass':
      return 'Messages that are signed by DKIM are not taken here'
    default:
      return 'No DKIM signature holds'
  }
}

/** A small letter of DKVERIFY defers other results too. */
function deferralText(found: DkimFinding): string {
  return found.result === 'temperror' ? 'A DKIM key cannot be looked up now' : refusalText(found)
}

function evidenceOf({ signatures }: DkimFinding, unfit: string | undefined): JsonObject {
  const said = signatures.map(({ domain, selector, result, problem }) =>
    [`${selector}._domainkey.${domain}`, result, problem].filter(Boolean).join(' ').slice(0, 300),
  )
  return { signatures: said, ...(unfit === undefined ? {} : { unfit }) }
}

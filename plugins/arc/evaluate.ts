/** The ARC sets of a message: verified by mailauth, read by us. */
import type * as ArcLibrary from 'mailauth/lib/arc/index.js'
import type { Dns, Message } from 'postern/plugin'
import { readResults } from '../shared/mailauth/read-results.ts'
import {
  SignatureVerifier,
  usualRules,
  type ArcData,
} from '../shared/mailauth/verify-signatures.ts'
import type { ArcFinding, ArcSet } from './findings.ts'

export const noChain: ArcFinding = { result: 'none', sets: [] }

export function failed(problem: string): ArcFinding {
  return { result: 'fail', problem: problem.slice(0, 200), sets: [] }
}

type SealedSet = Exclude<ArcData['chain'], false>[number]

export interface ArcParts {
  readonly dns: Dns
  readonly signal: AbortSignal
  readonly now: number
}

/** One for each seal, and for the newest signature. */
const mostQuestions = 64

/** For one entry of the chain. */
export class ArcEvaluator {
  readonly #verifier = new SignatureVerifier()
  #loaded: Promise<typeof ArcLibrary> | undefined

  /** Before the first message, which would otherwise wait for it. */
  async load(): Promise<void> {
    await Promise.all([this.#verifier.load(), this.#library()])
  }

  /** @throws PosternError ABORTED, DISK_FAILED */
  async evaluate(
    message: Pick<Message, 'read' | 'bodyOffset' | 'sizeBytes'>,
    parts: ArcParts,
  ): Promise<ArcFinding> {
    const asked = { ...parts, rules: usualRules, mostQuestions }
    const verified = await this.#verifier.verify(message, 'ARC', asked)
    if ('unfit' in verified) return failed(verified.unfit)
    const { arc, keys } = verified
    const library = await this.#library()
    const chain = arc.chain || []
    const data = { ...arc, chain, keyCache: keys }
    const { status } = await library.arc(data, {
      resolver: keys.resolver,
      strict: true,
      minBitLength: usualRules.minKeyBits,
    })
    if (status.result === 'none') return noChain
    if (status.result !== 'pass') {
      const found = failed(status.comment ?? 'the chain does not hold')
      if (!verified.dnsFailed) return found
      return { ...found, problem: 'the DNS did not answer for a key', unproven: chain.map(setOf) }
    }
    return { result: 'pass', sets: chain.map(setOf) }
  }

  #library(): Promise<typeof ArcLibrary> {
    return (this.#loaded ??= import('mailauth/lib/arc/index.js'))
  }
}

function setOf(set: SealedSet): ArcSet {
  const seal = set['arc-seal']?.parsed
  const field = String(set['arc-authentication-results']?.original ?? '')
  const results = readResults(field.slice(field.indexOf(':') + 1))
  const seen = new Map<string, string>()
  for (const { method, result } of results) if (!seen.has(method)) seen.set(method, result)
  const methods = ['spf', 'dkim', 'dmarc', 'arc'].flatMap((method) => {
    const result = seen.get(method)
    return result === undefined ? [] : [[method, result.slice(0, 20)] as const]
  })
  const author = results
    .find(({ method }) => method === 'dmarc')
    ?.properties.get('header.from')
    ?.toLowerCase()
  return {
    instance: set.i,
    sealer: String(seal?.d?.value ?? '').toLowerCase(),
    selector: String(seal?.s?.value ?? ''),
    seen: Object.fromEntries(methods),
    ...(author === undefined ? {} : { author: author.slice(0, 255) }),
  }
}

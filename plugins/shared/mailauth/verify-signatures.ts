/**
 * DKIM and ARC signatures of a message, verified by mailauth strictly by RFC 6376, 8301, 8463 and 8617. Nothing that a
 * sender writes makes this throw or block: what is too much is stopped before mailauth sees it.
 */
import type * as VerifierLibrary from 'mailauth/lib/dkim/dkim-verifier.js'
import type * as ToolsLibrary from 'mailauth/lib/tools.js'
import { PosternError, isPosternError, type Dns, type Message } from 'postern/plugin'
import { dnsResolver, textResolver, type TextResolver } from './dns-resolver.ts'
import { KeyMemory, type KeyCache } from './key-memory.ts'
import { boundedChunks, LineTooLong } from './message-stream.ts'
import { readingOf } from './signed-reading.ts'

/** One signature as mailauth reports it; only what we use. */
export interface VerifiedSignature {
  readonly signingDomain?: string
  readonly selector?: string
  readonly algo?: string
  /** The key record, where one was found. */
  readonly rr?: string
  readonly modulusLength?: number
  readonly canonBodyLengthLimited?: boolean
  readonly canonBodyLength?: number
  readonly canonBodyLengthTotal?: number
  readonly signature?: string
  readonly status: {
    readonly result: string
    readonly comment?: string
    readonly testing?: boolean
    readonly header?: { readonly i?: string | false }
  }
}

/** The ARC sets of a message as mailauth hands them from one of its parts to the other. */
export type ArcData = VerifierLibrary.DkimVerifier['arc']

export interface Verified {
  readonly results: readonly VerifiedSignature[]
  readonly arc: ArcData
  /** Of this message, for whoever verifies its seals. */
  readonly keys: KeyCache
  /** Whether the DNS did not answer one of the questions so far, those for seals included. */
  readonly dnsFailed: boolean
}

/** How exactly a signature has to keep to the letter. */
export interface VerificationRules {
  /** By the syntax of RFC 6376, whatever others let through; also without RSA-SHA1. */
  readonly strict: boolean
  /** RFC 8301 §3.1 forbids it; only where it is not `strict`. */
  readonly rsaSha1: boolean
  /** RFC 8301 §3.2: RSA keys below 1024 bits are no proof of anything. */
  readonly minKeyBits: number
}

export const usualRules: VerificationRules = { strict: true, rsaSha1: false, minKeyBits: 1024 }

export interface VerificationParts {
  readonly rules: VerificationRules
  readonly dns: Dns
  readonly signal: AbortSignal
  readonly now: number
  /** Questions to the DNS. */
  readonly mostQuestions: number
}

/** Those that a message has, or the newest of those who forwarded it: nobody needs both at once. */
export type SignatureKind = 'DKIM' | 'ARC'

type Signed = Pick<Message, 'read' | 'bodyOffset' | 'sizeBytes'>

interface Libraries {
  readonly verifier: typeof VerifierLibrary
  readonly tools: typeof ToolsLibrary
}

/** For one entry of the chain, whose messages share the keys that were read. */
export class SignatureVerifier {
  readonly #keys = new KeyMemory()
  #loaded: Promise<Libraries> | undefined

  /** Before the first message, which would otherwise wait for it, and all others with it. */
  load(): Promise<Libraries> {
    return (this.#loaded ??= loadLibraries())
  }

  /**
   * Verifies the signatures of one kind.
   * @returns `unfit` where the body cannot be hashed in linear time
   * @throws PosternError ABORTED, DISK_FAILED
   */
  async verify(
    message: Signed,
    kind: SignatureKind,
    { rules, dns, signal, now, mostQuestions }: VerificationParts,
  ): Promise<Verified | { readonly unfit: string }> {
    const { verifier: library, tools } = await this.load()
    const ask = textResolver(dnsResolver({ dns, signal, address: '', mostQuestions }))
    let dnsFailed = false
    const resolver: TextResolver = async (name, type) => {
      try {
        return await ask(name, type)
      } catch (error) {
        dnsFailed ||= isPosternError(error, 'DNS_FAILED')
        throw error
      }
    }
    try {
      const verifier = new library.DkimVerifier({
        resolver,
        strict: rules.strict,
        rejectRsaSha1: !rules.rsaSha1,
        minBitLength: rules.minKeyBits,
        curTime: new Date(now),
        // Anything: without it the Return-Path field is parsed.
        sender: 'nobody@postern.invalid',
      })
      const keys = this.#keys.cacheFor(resolver, tools)
      verifier.keyCache = keys
      await feed(verifier, message, { kind, signal, tools })
      if (signal.aborted) throw new PosternError('ABORTED', 'signatures were verified')
      return {
        results: verifier.results,
        arc: verifier.arc,
        keys,
        get dnsFailed() {
          return dnsFailed
        },
      }
    } catch (error) {
      if (error instanceof LineTooLong) return { unfit: 'a line of the body is too long' }
      if (isPosternError(error)) throw error
      // Whatever else it stumbles over came with the message.
      return { unfit: `it cannot be read: ${String(error).slice(0, 200)}` }
    }
  }
}

async function loadLibraries(): Promise<Libraries> {
  const [verifier, tools] = await Promise.all([
    import('mailauth/lib/dkim/dkim-verifier.js'),
    import('mailauth/lib/tools.js'),
  ])
  return { verifier, tools }
}

/** What there is no need to look at for the other kind. */
const fieldsOf = {
  DKIM: /^dkim-signature$/,
  ARC: /^arc-/,
} as const

/** Where the header ends is known: mailauth, which looks at it byte by byte, is given both by themselves. */
async function feed(
  verifier: VerifierLibrary.DkimVerifier,
  message: Signed,
  {
    kind,
    signal,
    tools,
  }: {
    readonly kind: SignatureKind
    readonly signal: AbortSignal
    readonly tools: typeof ToolsLibrary
  },
): Promise<void> {
  const reading = readingOf(message)
  const headers = await reading.fields((header) =>
    tools.parseHeaders(Buffer.concat([...lines(verifier, header)])),
  )
  const others = fieldsOf[kind === 'DKIM' ? 'ARC' : 'DKIM']
  const parsed = headers.parsed.filter(({ key }) => !others.test(key))
  await verifier.messageHeaders({ ...headers, parsed })
  // Signatures may cover any field.
  verifier.headers = headers
  verifier.signatureHeaders = verifier.signatureHeaders.filter(({ type }) => type === kind)
  const wanted = new Set(verifier.signatureHeaders.map(({ bodyHashKey }) => bodyHashKey))
  for (const key of verifier.bodyHashes.keys()) {
    if (!wanted.has(key)) verifier.bodyHashes.delete(key)
  }
  const isUsual = verifier.bodyHashes.delete(usualBodyHash)
  if (verifier.bodyHashes.size > 0) await feedBody(verifier, message, signal)
  if (isUsual) {
    verifier.bodyHashes.set(usualBodyHash, known(await reading.bodyHash(signal)))
  }
  await verifier.finalChunk()
}

/** For those that are hashed in another way than nearly all. */
async function feedBody(
  verifier: VerifierLibrary.DkimVerifier,
  message: Signed,
  signal: AbortSignal,
): Promise<void> {
  const body = { offset: message.bodyOffset, length: message.sizeBytes - message.bodyOffset }
  for await (const chunk of boundedChunks(message, signal, body)) {
    for (const piece of lines(verifier, chunk)) await verifier.nextChunk(piece)
  }
}

/** Relaxed, by SHA-256, without a limit (`l=`): as mailauth calls it. */
const usualBodyHash = 'relaxed:sha256:'

/** In place of one that hashes: what mailauth asks of it at the end. */
function known(hash: string): VerifierLibrary.BodyHasher {
  return { digest: () => hash, getMimeStructureStart: () => -1 }
}

/** Almost every message has whole line ends only, and is handed on as it is. */
function lines(verifier: VerifierLibrary.DkimVerifier, chunk: Uint8Array): Iterable<Uint8Array> {
  if (hasBareLineFeed(chunk, verifier.lastByte)) return verifier.ensureLinebreaks(chunk)
  const last = chunk.at(-1)
  if (last !== undefined) verifier.lastByte = last
  return [chunk]
}

const cr = 0x0d
const lf = 0x0a

function hasBareLineFeed(chunk: Uint8Array, before: number | undefined): boolean {
  for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, at + 1)) {
    if ((at === 0 ? before : chunk[at - 1]) !== cr) return true
  }
  return false
}

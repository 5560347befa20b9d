/**
 * DKIM and ARC signatures of a message, verified by mailauth strictly by RFC 6376, 8301, 8463 and 8617. Nothing that a
 * sender writes makes this throw or block: what is too much is stopped before mailauth sees it.
 */
import type { Readable } from 'node:stream'
import type { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { PosternError, isPosternError, type Dns, type Message } from 'postern/plugin'
import { dnsResolver, textResolver, type Resolver } from './dns-resolver.ts'
import { LineTooLong, messageStream } from './message-stream.ts'

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
export type ArcData = NonNullable<Awaited<ReturnType<typeof dkimVerify>>['arc']>

export interface Verified {
  readonly results: readonly VerifiedSignature[]
  readonly arc: ArcData | undefined
}

/** What we use of mailauth; its own types know less of resolvers than it does. */
interface DkimLibrary {
  dkimVerify(
    input: Readable,
    options: {
      readonly resolver: Resolver
      readonly strict: boolean
      readonly rejectRsaSha1: boolean
      readonly minBitLength: number
      readonly curTime: Date
      /** Anything: without it the Return-Path field is parsed. */
      readonly sender: string
    },
  ): Promise<{ readonly results: readonly VerifiedSignature[]; readonly arc?: ArcData }>
}

/** Loaded before the first message, which would otherwise wait for it, and all others with it. */
export async function loadDkim(): Promise<DkimLibrary> {
  const library = await import('mailauth/lib/dkim/verify.js')
  return {
    dkimVerify: (input, { resolver, ...options }) =>
      library.dkimVerify(input, {
        ...options,
        resolver: textResolver(resolver),
      }),
  }
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

/**
 * @returns `unfit` where the body cannot be hashed in linear time
 * @throws PosternError ABORTED, DISK_FAILED
 */
export async function verifySignatures(
  message: Pick<Message, 'read'>,
  { rules, dns, signal, now, mostQuestions }: VerificationParts,
): Promise<Verified | { readonly unfit: string }> {
  const library = await loadDkim()
  const resolver = dnsResolver({ dns, signal, address: '', mostQuestions })
  try {
    const { results, arc } = await library.dkimVerify(messageStream(message, signal), {
      resolver,
      strict: rules.strict,
      rejectRsaSha1: !rules.rsaSha1,
      minBitLength: rules.minKeyBits,
      curTime: new Date(now),
      sender: 'nobody@postern.invalid',
    })
    if (signal.aborted) throw new PosternError('ABORTED', 'signatures were verified')
    return { results, arc }
  } catch (error) {
    if (error instanceof LineTooLong) return { unfit: 'a line of the body is too long' }
    if (isPosternError(error)) throw error
    // Whatever else it stumbles over came with the message.
    return { unfit: `it cannot be read: ${String(error).slice(0, 200)}` }
  }
}

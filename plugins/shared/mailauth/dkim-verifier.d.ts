/** The part of mailauth's verifier that we drive ourselves; it comes without types. */
import type { DKIMVerifyResult } from 'mailauth'

import type { KeyCache } from './key-memory.ts'
import type { ParsedHeader } from './tools.d.ts'

type TextResolver = (name: string, type: string) => Promise<string[][]>

interface SignatureHeader {
  readonly type: 'DKIM' | 'ARC'
  readonly bodyHashKey?: string
}

/** What is asked once the body has ended. */
export interface BodyHasher {
  digest(encoding: 'base64'): string
  getMimeStructureStart(): number
}

export class DkimVerifier {
  constructor(options: {
    readonly resolver: TextResolver
    readonly strict: boolean
    readonly rejectRsaSha1: boolean
    readonly minBitLength: number
    readonly curTime: Date
    readonly sender: string
  })
  /** Those that will be verified. */
  signatureHeaders: readonly SignatureHeader[]
  /** Hashers of the body, by canonicalization, algorithm and length. */
  readonly bodyHashes: Map<string, BodyHasher>
  readonly results: NonNullable<DKIMVerifyResult['results']>
  readonly arc: NonNullable<DKIMVerifyResult['arc']>
  /** Of what was read: whether a line feed that comes next stands alone. */
  lastByte?: number
  /** With each bare line feed made a line end. */
  ensureLinebreaks(chunk: Uint8Array): Generator<Uint8Array>
  /** Where it finds keys. */
  keyCache: KeyCache
  /** All fields, of which signatures name those that they cover. */
  headers: ParsedHeader
  /** Looks for signatures and ARC sets. */
  messageHeaders(headers: ParsedHeader): Promise<void>
  /** Takes the next bytes of the body. */
  nextChunk(chunk: Uint8Array): Promise<void>
  /** Verifies. */
  finalChunk(): Promise<void>
}

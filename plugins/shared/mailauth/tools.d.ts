/** The part of mailauth's tools that we use ourselves; it comes without types. */
type TextResolver = (name: string, type: string) => Promise<readonly (readonly string[])[]>

/** One row of a header. */
export interface HeaderRow {
  /** The name in lower case. */
  readonly key: string
  readonly line: Uint8Array
}

export interface ParsedHeader {
  readonly parsed: readonly HeaderRow[]
  readonly original: Uint8Array
}

export function parseHeaders(header: Uint8Array): ParsedHeader

/** A name as the DNS is asked for it (RFC 8616 §3). */
export function toALabel(name: string): string

/** Rejects with an error whose `code` says why there is no key that could be used. */
export function getPublicKey(
  type: string,
  name: string,
  minBitLength: number | undefined,
  resolver: TextResolver,
  terms: { readonly strict?: boolean; readonly hashAlgo?: string },
): Promise<{ readonly publicKey: string; readonly rr: string }>

/**
 * DKIM signatures of our own (RFC 6376, RFC 8463), always relaxed/relaxed. Written here because mailauth cannot sign
 * what is not there: a field that is named once more often than it stands in the header cannot be added later (§5.4.2).
 */
import { createHash, sign as signWith, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { parseHeader } from 'postern/plugin'

export interface SigningKey {
  /** `d=`, as A-labels. */
  readonly domain: string
  /** `s=` */
  readonly selector: string
  /** RSA or Ed25519. */
  readonly key: KeyObject
}

export interface SigningRequest {
  /** The header with its empty line, with all fields that the signature is to cover. */
  readonly header: Uint8Array
  /** SHA-256 of the body after relaxed canonicalization, in base64. */
  readonly bodyHash: string
  /** Names of fields; each is signed as often as it is there. */
  readonly fields: readonly string[]
  /** Those of them that nobody may add. */
  readonly sealed: readonly string[]
  /** Seconds since 1970. */
  readonly signedAt: number
  readonly expiresAt?: number
}

/** In the thread pool: an RSA signature takes a millisecond. */
const signAside = promisify<string | null, Uint8Array, KeyObject, Buffer>(signWith)

/** The value of a DKIM-Signature field, folded. */
export async function signHeader(
  { domain, selector, key }: SigningKey,
  request: SigningRequest,
): Promise<string> {
  const rsa = key.asymmetricKeyType === 'rsa'
  const fields = fieldsOf(request.header)
  const { names, lines } = covered(fields, request)
  const tags = [
    `v=1; a=${rsa ? 'rsa' : 'ed25519'}-sha256; c=relaxed/relaxed; d=${domain};`,
    `s=${selector}; t=${request.signedAt};${
      request.expiresAt === undefined ? '' : ` x=${request.expiresAt};`
    }`,
    ...foldedNames(names),
    `bh=${request.bodyHash};`,
    'b=',
  ].join('\r\n\t')
  const data = Buffer.from(
    [...lines, `dkim-signature:${relaxedValue(tags)}`].join('\r\n'),
    'latin1',
  )
  const signature = rsa
    ? await signAside('sha256', data, key)
    : await signAside(null, createHash('sha256').update(data).digest(), key)
  return `${tags}${(signature.toString('base64').match(/.{1,70}/g) ?? []).join('\r\n\t')}`
}

interface Field {
  readonly name: string
  /** As in the message, in latin1. */
  readonly value: string
}

function fieldsOf(header: Uint8Array): readonly Field[] {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.length)
  return parseHeader(header).fields.map(({ name, range: { offset, length } }) => {
    const field = bytes.toString('latin1', offset, offset + length)
    return { name: name.toLowerCase(), value: field.slice(field.indexOf(':') + 1) }
  })
}

/** RFC 6376 §5.4.2: of several fields of a name the lowest comes first. */
function covered(
  fields: readonly Field[],
  request: Pick<SigningRequest, 'fields' | 'sealed'>,
): { readonly names: readonly string[]; readonly lines: readonly string[] } {
  const names: string[] = []
  const lines: string[] = []
  const sealed = new Set(request.sealed.map((name) => name.toLowerCase()))
  for (const wanted of new Set(request.fields.map((name) => name.toLowerCase()))) {
    for (const { name, value } of fields.toReversed()) {
      if (name !== wanted) continue
      names.push(wanted)
      lines.push(`${name}:${relaxedValue(value)}`)
    }
    if (sealed.has(wanted)) names.push(wanted)
  }
  return { names, lines }
}

/** RFC 6376 §3.4.2. */
function relaxedValue(value: string): string {
  return value
    .replaceAll('\r\n', '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '')
}

function foldedNames(names: readonly string[]): readonly string[] {
  const lines: string[] = []
  let line = 'h='
  for (const [index, name] of names.entries()) {
    const piece = index === names.length - 1 ? `${name};` : `${name}:`
    if (line.length + piece.length > 70 && line !== 'h=') {
      lines.push(line)
      line = ''
    }
    line += piece
  }
  return [...lines, line]
}

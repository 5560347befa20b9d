/** S/MIME in one piece (CMS, RFC 5652): mail programs open it, and what is in it is not seen here. */

const sequence = 0x30
const set = 0x31
const integer = 0x02
const objectIdentifier = 0x06
const tagged = 0xa0

/** signedData; of its content it may have none, as a signature that lies beside what it signs, or a list of certificates. */
const signed = '2a864886f70d010702'
/** envelopedData, encryptedData, compressedData, authEnvelopedData. */
const closed: ReadonlySet<string> = new Set([
  '2a864886f70d010703',
  '2a864886f70d010706',
  '2a864886f70d0109100109',
  '2a864886f70d0109100117',
])

/**
 * Whether it holds what it signs, encrypts or compresses. Where that cannot be made out, it does.
 * @param head the first bytes of a file
 */
export function isContainer(head: Uint8Array): boolean {
  const outer = elementAt(head, 0)
  if (outer?.tag !== sequence) return false
  const kind = elementAt(head, outer.start)
  if (kind?.tag !== objectIdentifier || kind.end === undefined) return false
  const name = Buffer.from(head.subarray(kind.start, kind.end)).toString('hex')
  return name === signed ? hasContent(head, kind.end) : closed.has(name)
}

/** SignedData: a version, digest algorithms, and then what is signed: its type, and perhaps itself. */
function hasContent(head: Uint8Array, from: number): boolean {
  const wrapped = elementAt(head, from)
  const body = wrapped?.tag === tagged ? elementAt(head, wrapped.start) : undefined
  const version = body?.tag === sequence ? elementAt(head, body.start) : undefined
  const digests = version?.tag === integer ? elementBehind(head, version) : undefined
  const holder = digests?.tag === set ? elementBehind(head, digests) : undefined
  const type = holder?.tag === sequence ? elementAt(head, holder.start) : undefined
  if (holder === undefined || type?.tag !== objectIdentifier || type.end === undefined) return true
  return holder.end === undefined ? head[type.end] === tagged : type.end < holder.end
}

function elementBehind(bytes: Uint8Array, { end }: Element): Element | undefined {
  return end === undefined ? undefined : elementAt(bytes, end)
}

interface Element {
  readonly tag: number
  readonly start: number
  /** Of one of indefinite length it is not known. */
  readonly end: number | undefined
}

/** X.690 §8.1. @returns undefined where there is none */
function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const start = at + 2
  if (first < 0x80) return { tag, start, end: start + first }
  const octets = first & 0x7f
  if (octets === 0) return { tag, start, end: undefined }
  // BER allows zeros in front, and some mail programs read any number of them.
  let length = 0
  for (const octet of bytes.subarray(start, start + octets)) length = length * 256 + octet
  return { tag, start: start + octets, end: start + octets + length }
}

/** Questions to a resolver and its answers, byte by byte (RFC 1035 §4, EDNS0 by RFC 6891): only what node:dns does not tell. */
import { PosternError } from '../../mail/errors.ts'

export const recordTypes = { A: 1, PTR: 12, MX: 15, TXT: 16, AAAA: 28, TLSA: 52 } as const
export type RecordType = keyof typeof recordTypes

export interface DnsResponse {
  /** AD: the resolver has validated all of it. */
  readonly authenticated: boolean
  /** TC: ask again by TCP. */
  readonly truncated: boolean
  readonly rcode: number
  /** The data of the records of the type asked for, of the name asked for or the one that its aliases lead to. */
  readonly records: readonly Buffer[]
  /** Where the aliases lead that the name asked for is, in lower case; absent where it is none. */
  readonly canonicalName?: string
}

const headerBytes = 12
/** What reaches everybody in one datagram. */
const udpBytes = 1232

/** RD and AD are set: answer, and say whether you have validated it (RFC 6840 §5.7). @throws PosternError DNS_FAILED */
export function encodeQuestion(id: number, name: string, type: RecordType): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x01_20, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(1, 10)
  const fixed = Buffer.alloc(4)
  fixed.writeUInt16BE(recordTypes[type], 0)
  fixed.writeUInt16BE(1, 2)
  const edns = Buffer.alloc(11)
  edns.writeUInt16BE(41, 1)
  edns.writeUInt16BE(udpBytes, 3)
  return Buffer.concat([header, encodeName(name), fixed, edns])
}

function encodeName(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.')
  const parts = labels.map((label) => Buffer.from(label, 'latin1'))
  const length = parts.reduce((sum, part) => sum + part.length + 1, 1)
  if (length > 255 || parts.some((part) => part.length === 0 || part.length > 63)) {
    throw new PosternError('DNS_FAILED', 'there is no such name')
  }
  return Buffer.concat([...parts.flatMap((part) => [Buffer.of(part.length), part]), Buffer.of(0)])
}

/**
 * The answer to this question; undefined for anything that answers another.
 * @throws PosternError DNS_FAILED where it is broken
 */
export function parseResponse(bytes: Buffer, question: Buffer): DnsResponse | undefined {
  if (bytes.length < headerBytes || bytes.readUInt16BE(0) !== question.readUInt16BE(0)) {
    return undefined
  }
  const flags = bytes.readUInt16BE(2)
  const nameEnd = endOfName(question, headerBytes)
  const asked = question.subarray(headerBytes, nameEnd + 4)
  const echoed = bytes.subarray(headerBytes, nameEnd + 4)
  const isOurs = lower(asked).equals(lower(echoed)) && bytes.readUInt16BE(4) === 1
  if ((flags & 0x80_00) === 0 || !isOurs) return undefined
  const records = recordsIn(bytes, nameEnd + 4)
  const type = asked.readUInt16BE(asked.length - 4)
  const asName = nameAt(question, headerBytes)
  const canonicalName = endOfAliases(bytes, records, asName)
  const ofType = records.filter((record) => record.type === type)
  const answers = ofType.filter(({ owner }) => nameAt(bytes, owner) === canonicalName)
  // To believe that there are none would be to believe half of it.
  if (ofType.length > 0 && answers.length === 0) throw broken()
  return {
    authenticated: (flags & 0x20) !== 0,
    truncated: (flags & 0x02_00) !== 0,
    rcode: flags & 0x0f,
    records: answers.map(({ from, to }) => bytes.subarray(from, to)),
    ...(canonicalName === asName ? {} : { canonicalName }),
  }
}

/** Length bytes and types hold nothing that changes with case in a name of ours. */
function lower(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1')
}

/** Where the owner's name begins, and where the data lies. */
interface RecordPlace {
  readonly owner: number
  readonly type: number
  readonly from: number
  readonly to: number
}

function recordsIn(bytes: Buffer, start: number): readonly RecordPlace[] {
  const records: RecordPlace[] = []
  let at = start
  for (let left = bytes.readUInt16BE(6); left > 0; left--) {
    const owner = at
    at = endOfName(bytes, at)
    if (at + 10 > bytes.length) throw broken()
    const to = at + 10 + bytes.readUInt16BE(at + 8)
    if (to > bytes.length) throw broken()
    records.push({ owner, type: bytes.readUInt16BE(at), from: at + 10, to })
    at = to
  }
  return records
}

const cname = 5
const maxAliases = 16

/** Follows the aliases of an answer, in whatever order they stand. */
function endOfAliases(bytes: Buffer, records: readonly RecordPlace[], name: string): string {
  const targets = new Map(
    records
      .filter(({ type }) => type === cname)
      .map(({ owner, from }) => [nameAt(bytes, owner), nameAt(bytes, from)] as const),
  )
  let at = name
  for (let steps = 0; steps < maxAliases; steps++) {
    const next = targets.get(at)
    if (next === undefined) return at
    at = next
  }
  throw broken()
}

const maxPointers = 32

/** In lower case, without the last dot; pointers are followed (RFC 1035 §4.1.4), a bounded number of them. */
function nameAt(bytes: Buffer, from: number): string {
  const labels: string[] = []
  let at = from
  for (let pointers = 0, length = 0; length <= 255;) {
    const size = bytes[at]
    if (size === undefined) break
    if (size === 0) return labels.join('.').toLowerCase()
    if ((size & 0xc0) === 0xc0) {
      if (++pointers > maxPointers || at + 2 > bytes.length) break
      at = bytes.readUInt16BE(at) & 0x3f_ff
      continue
    }
    if (size > 63 || at + 1 + size > bytes.length) break
    labels.push(bytes.toString('latin1', at + 1, at + 1 + size))
    at += size + 1
    length += size + 1
  }
  throw broken()
}

/** Where a name ends in the bytes: a pointer ends one. */
function endOfName(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length;) {
    const length = bytes[at] ?? 0
    if (length === 0) return at + 1
    if ((length & 0xc0) === 0xc0) return at + 2
    if (length > 63) break
    at += length + 1
  }
  throw broken()
}

function broken(): PosternError {
  return new PosternError('DNS_FAILED', 'a broken answer')
}

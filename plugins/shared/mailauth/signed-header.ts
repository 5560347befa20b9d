/**
 * What a header may be before mailauth reads it: a field folded into very many lines costs it quadratic time, long lists
 * of addresses and names likewise, and every signature a question to the DNS. Looks at each byte once, and never throws.
 */
import { parseHeader, type Header, type Message } from 'postern/plugin'

export interface SignedHeaderLimits {
  readonly maxSignatures: number
  readonly maxHeaderBytes: number
}

export interface SignedHeader {
  /** DKIM-Signature fields. */
  readonly signatures: number
  /** The highest number of ARC fields of one name: how many sets there may be. */
  readonly arcSets: number
  /** Why mailauth must not see it. */
  readonly unfit?: string
}

/** RFC 8617 §4.2.1 would allow fifty; each seal covers all those before it. */
const mostArcSets = 20
const mostFields = 2_000
const mostLinesOfField = 1_000
const mostFieldBytes = 65_536
const mostSignatureBytes = 8_192
/** Names in `h=`, of which each is looked for in the whole header. */
const mostSignedNames = 500
/** For what ends the header mailauth looks from each of them. */
const endlessLineEnds = /[\r\n]{32}/
/** What is read as addresses or parameters. */
const mostAddressBytes = 16_384

const signatureField = 'dkim-signature'
const arcFields: readonly string[] = [
  'arc-seal',
  'arc-message-signature',
  'arc-authentication-results',
]
/** Those that say in `h=` what they cover. */
const coveringFields: readonly string[] = [signatureField, 'arc-message-signature']
const parsedFields: ReadonlySet<string> = new Set(['from', 'return-path', 'content-type'])

/** @throws PosternError DISK_FAILED, where the message cannot be read */
export async function lookAtSignedHeader(
  message: Message,
  { maxSignatures, maxHeaderBytes }: SignedHeaderLimits,
): Promise<SignedHeader> {
  if (message.bodyOffset > maxHeaderBytes) return tooLong(message.header)
  const { signatures, arcSets, unfit } = await lookOf(message)
  let problem = unfit
  if (signatures > maxSignatures) problem ??= `there are ${signatures} signatures`
  if (arcSets > mostArcSets) problem ??= `there are ${arcSets} ARC sets`
  return { signatures, arcSets, ...(problem === undefined ? {} : { unfit: problem }) }
}

/** The same for everybody who asks about a message: DKIM and ARC are two entries, with limits of their own. */
const lookOf = sharedLooks()

function sharedLooks(): (message: Message) => Promise<SignedHeader> {
  const looks = new WeakMap<Message, Promise<SignedHeader>>()
  return async (message) => {
    const look = looks.get(message) ?? headerOf(message).then(lookAt)
    looks.set(message, look)
    try {
      return await look
    } catch (error) {
      // Who asks later reads anew.
      looks.delete(message)
      throw error
    }
  }
}

/** What is there, and what is too much for anybody. */
function lookAt(bytes: Buffer): SignedHeader {
  const header = parseHeader(bytes, { maxBytes: bytes.length, maxFields: mostFields })
  const counts = new Map<string, number>()
  let problem = header.cut ? 'the header has too many fields' : undefined
  for (const { name, range } of header.fields) {
    const key = name.toLowerCase()
    const field = bytes.subarray(range.offset, range.offset + range.length)
    counts.set(key, (counts.get(key) ?? 0) + 1)
    problem ??= problemOf(key, field)
  }
  const text = bytes.toString('latin1')
  if (endlessLineEnds.test(text)) problem ??= 'the header has too many line ends behind each other'
  problem ??= strayLine(text)
  if ((counts.get('from') ?? 0) > 10) problem ??= 'there are too many From fields'
  return {
    signatures: counts.get(signatureField) ?? 0,
    arcSets: mostOfOneName((name) => counts.get(name) ?? 0),
    ...(problem === undefined ? {} : { unfit: problem }),
  }
}

/** The bytes of the header with its empty line. */
export async function headerOf(message: Pick<Message, 'read' | 'bodyOffset'>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const range = { offset: 0, length: message.bodyOffset }
  for await (const chunk of message.read(range)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Of such a header only as much is known as everybody reads of it. */
function tooLong(header: Header): SignedHeader {
  return {
    signatures: header.all(signatureField).length,
    arcSets: mostOfOneName((name) => header.all(name).length),
    unfit: 'the header is too long',
  }
}

function mostOfOneName(countOf: (name: string) => number): number {
  return Math.max(...arcFields.map(countOf))
}

function problemOf(name: string, field: Uint8Array): string | undefined {
  if (field.length > mostFieldBytes) return `a field ${name} is too long`
  if (count(field, 0x0a, mostLinesOfField) === mostLinesOfField) {
    return `a field ${name} is folded too often`
  }
  if (name === signatureField || arcFields.includes(name)) {
    if (field.length > mostSignatureBytes && name !== 'arc-authentication-results') {
      return `a field ${name} is too long`
    }
    if (count(field, 0x3a, mostSignedNames) === mostSignedNames) {
      return `a field ${name} names too many fields`
    }
  }
  return parsedFields.has(name) && field.length > mostAddressBytes
    ? `a field ${name} is too long`
    : undefined
}

/**
 * A line that is no field and continues none, beneath a field that a signature covers. mailauth takes it for the end of that
 * field, so that one which was cut in two would hold, of which readers see the first half. Beneath others nothing depends on it.
 */
function strayLine(header: string): string | undefined {
  const followed = new Set<string>()
  const covered = new Set([signatureField, ...arcFields])
  for (const { name, text, strays } of fieldsByLine(header)) {
    if (strays) followed.add(name)
    if (!coveringFields.includes(name)) continue
    const [, names = ''] = /(?:^|;)h=([^;]*)/.exec(text.replaceAll(/\s/g, '')) ?? []
    for (const each of names.split(':')) covered.add(each.toLowerCase())
  }
  const [name] = followed.intersection(covered)
  return name === undefined ? undefined : `a line beneath a field ${name} is none`
}

interface FieldByLine {
  /** In lower case. */
  readonly name: string
  /** What follows the colon. */
  readonly text: string
  /** Whether lines stand beneath it that are no fields and continue none. */
  readonly strays: boolean
}

/** As mailauth divides a header: any line feed ends a line, and a colon may stand in the line after the name. */
const fieldStart = /([!-9;-~]+)[ \t\r]*(?:\n[ \t\r]*)?:/y

function* fieldsByLine(header: string): Iterable<FieldByLine> {
  const end = header.length - 2
  let field: { name: string; from: number; strays: boolean } | undefined
  for (let at = 0, next = 0; at < end; at = next) {
    next = header.indexOf('\n', at) + 1 || end
    fieldStart.lastIndex = at
    const name = fieldStart.exec(header)?.[1]?.toLowerCase()
    if (name !== undefined) {
      if (field !== undefined) yield { ...field, text: header.slice(field.from, at) }
      field = { name, from: fieldStart.lastIndex, strays: false }
    } else if (field !== undefined && header[at] !== ' ' && header[at] !== '\t') {
      field.strays = true
    }
  }
  if (field !== undefined) yield { ...field, text: header.slice(field.from, end) }
}

/** How often a byte is there, counted no further than `most`. */
function count(bytes: Uint8Array, wanted: number, most: number): number {
  let seen = 0
  for (let at = bytes.indexOf(wanted); at >= 0 && seen < most; at = bytes.indexOf(wanted, at + 1)) {
    seen += 1
  }
  return seen
}

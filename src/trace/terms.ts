/**
 * By what traces are found: kinds of terms, and what stands for a value. Names become a hash, addresses of clients and scores
 * keep their order, so that a network or a threshold is one range.
 */
import ipaddr from 'ipaddr.js'
import { shadowFates, type ShadowSaying } from '../filter/shadows.ts'
import { payloadLimit, type Term, type TermRange } from '../runtime/archive.ts'
import { traceOutcomes, type TraceOutcome } from './trace-summary.ts'

export const termKinds = {
  /** What the record is: `recordKinds`. */
  record: 0,
  /** Transaction and session ids. */
  id: 1,
  queueId: 2,
  messageId: 3,
  sender: 4,
  senderDomain: 5,
  recipient: 6,
  recipientDomain: 7,
  /** 32 bits. */
  clientIpv4: 8,
  clientIpv6: 9,
  /** The first 43 bits. */
  clientIpv6Range: 10,
  hello: 11,
  user: 12,
  reason: 13,
  entry: 14,
  outcome: 15,
  /** In thousandths, from `lowestScore` on. */
  score: 16,
  /** Of transactions: the outcome, and the reason that decided. */
  ending: 17,
  /** Of entries in shadow mode: that it was asked. */
  shadowAsked: 18,
  /** That it had something to say that would have counted. */
  shadowObjected: 19,
  /** What it said, and what became of that mail. */
  shadowSaid: 20,
} as const

export type TermKind = keyof typeof termKinds

/** `stepwise`: a transaction whose head does not name its shadows; only its steps tell of them. */
export const recordKinds = { stepwise: 0, attempt: 1, transaction: 2 } as const

const highestPayload = payloadLimit - 1
const rangeBits = 43
const lowestScore = -1_000_000
/** Eight outcomes have room above them. */
const reasonPlaces = 2 ** 40
/** Of sayings: four fates have room above them. */
const sayingPlaces = 2 ** 41

/** @param text compared without regard to case, as far as ASCII goes and beyond as lower case does */
export function textTerm(kind: TermKind, text: string): Term {
  const number = termKinds[kind]
  const known = lastTerms[number]
  if (known !== undefined && lastTexts[number] === text) return known
  const term = [number, hash(text, true)] as const
  lastTexts[number] = text
  lastTerms[number] = term
  return term
}

/** Of each kind the last one: domains, greetings, reasons and outcomes come again and again. */
const lastTexts: string[] = Object.values(termKinds).map(() => '')
const lastTerms: (Term | undefined)[] = lastTexts.map(() => undefined)

export function any(kind: TermKind): TermRange {
  return { kind: termKinds[kind], from: 0, to: highestPayload }
}

export function exactly([kind, payload]: Term): TermRange {
  return { kind, from: payload, to: payload }
}

export function scoreTerm(score: number): Term {
  return [termKinds.score, scorePayload(score)]
}

/** What became of a transaction above, and why below: a number for each pair of them. */
export function endingTerm(outcome: TraceOutcome, reason: string | undefined): Term {
  const why = reason === undefined ? 0 : (hash(reason) % (reasonPlaces - 1)) + 1
  return [termKinds.ending, traceOutcomes.indexOf(outcome) * reasonPlaces + why]
}

/** @returns undefined for what is none */
export function readEnding(
  payload: number,
): { readonly outcome: TraceOutcome; readonly hasReason: boolean } | undefined {
  const outcome = traceOutcomes[Math.floor(payload / reasonPlaces)]
  return outcome && { outcome, hasReason: payload % reasonPlaces > 0 }
}

/** @param kind `shadowAsked` or `shadowObjected` */
export function shadowTerm(kind: 'shadowAsked' | 'shadowObjected', entry: string): Term {
  return [termKinds[kind], hash(entry)]
}

export function shadowSaidTerm(entry: string, [would, reason, fate]: ShadowSaying): Term {
  const saying = hash(`${entry}\0${would}\0${reason}`) % sayingPlaces
  return [termKinds.shadowSaid, shadowFates.indexOf(fate) * sayingPlaces + saying]
}

export function scoreAtLeast(score: number): TermRange {
  return { kind: termKinds.score, from: scorePayload(score), to: highestPayload }
}

/** @returns none where the text is no address: a UNIX socket has none */
export function clientTerms(address: string): readonly Term[] {
  const plain = ipv4Number(address)
  if (plain !== undefined) return [[termKinds.clientIpv4, plain]]
  const parsed = parseClient(address)
  if (parsed === undefined) return []
  if (parsed.kind() === 'ipv4') return [[termKinds.clientIpv4, number(parsed.toByteArray())]]
  return [
    [termKinds.clientIpv6, hash(parsed.toNormalizedString())],
    [termKinds.clientIpv6Range, firstBits(parsed.toByteArray())],
  ]
}

/** A network that clients are looked for in. */
export interface ClientNetwork {
  readonly range: TermRange
  contains(address: string): boolean
}

/** @returns undefined for what is neither an address nor a network */
export function clientNetwork(text: string): ClientNetwork | undefined {
  const [address = '', length, ...rest] = text.split('/')
  const parsed = parseClient(address)
  if (parsed === undefined || rest.length > 0) return undefined
  const most = parsed.kind() === 'ipv4' ? 32 : 128
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined
  const bits = length === undefined ? most : Number(length)
  if (bits > most) return undefined
  const contains = (client: string): boolean => {
    const other = parseClient(client)
    return other !== undefined && other.kind() === parsed.kind() && other.match(parsed, bits)
  }
  return { range: networkRange(parsed, bits), contains }
}

/** @returns an IPv4 address that is written as IPv6 as what it is */
function parseClient(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address)
  const [plain = ''] = address.split('%', 1)
  if (!ipaddr.IPv6.isValid(plain)) return undefined
  const parsed = ipaddr.IPv6.parse(plain)
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed
}

function networkRange(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): TermRange {
  if (address.kind() === 'ipv4') {
    const size = 2 ** (32 - bits)
    const from = Math.floor(number(address.toByteArray()) / size) * size
    return { kind: termKinds.clientIpv4, from, to: from + size - 1 }
  }
  if (bits === 128) return exactly([termKinds.clientIpv6, hash(address.toNormalizedString())])
  const size = 2 ** Math.max(rangeBits - bits, 0)
  const from = Math.floor(firstBits(address.toByteArray()) / size) * size
  return { kind: termKinds.clientIpv6Range, from, to: from + size - 1 }
}

const capitalA = 0x41
const capitalZ = 0x5a
const caseBit = 0x20
const dot = '.'.charCodeAt(0) - '0'.charCodeAt(0)

/** By hand: every record has an address, and the parser costs more than all other terms together. */
function ipv4Number(address: string): number | undefined {
  let sum = 0
  let byte = -1
  let bytes = 0
  for (let at = 0; at <= address.length; at++) {
    const digit = address.charCodeAt(at) - 48
    if (digit >= 0 && digit <= 9) {
      byte = Math.max(byte, 0) * 10 + digit
      if (byte > 255) return undefined
    } else {
      if (byte < 0 || (at < address.length && digit !== dot)) return undefined
      sum = sum * 256 + byte
      byte = -1
      bytes += 1
    }
  }
  return bytes === 4 ? sum : undefined
}

function number(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

function firstBits(bytes: readonly number[]): number {
  return Math.floor(number(bytes.slice(0, 6)) / 2 ** (48 - rangeBits))
}

function scorePayload(score: number): number {
  const payload = Math.round((score - lowestScore) * 1000)
  return Math.min(Math.max(payload, 0), highestPayload)
}

/** FNV-1a twice, with different beginnings: 43 bits. Who makes two names collide finds both, and reads which is which. */
function hash(text: string, inLowerCase = false): number {
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (let at = 0; at < text.length; at++) {
    let unit = text.charCodeAt(at)
    if (inLowerCase) {
      // Beyond ASCII it is no matter of one character alone.
      if (unit > 0x7f) return hash(text.toLowerCase())
      if (unit >= capitalA && unit <= capitalZ) unit |= caseBit
    }
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15)
  }
  return (a >>> 0) * 2 ** 11 + ((b >>> 0) & 0x7ff)
}

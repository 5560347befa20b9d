/**
 * tcp.smtp text as tcprules reads it: one `ADDRESS:INSTRUCTIONS` a line. All mistakes are found, not only the first; with
 * any of them the rules must not be put to use (tcprules would have kept the old cdb). Works on bytes: nothing is decoded
 * before a person or a variable needs it.
 */
import { buildCdb } from './cdb-writer.ts'
import type { LineMistake } from './line-mistake.ts'
import { latin1, latin1Bytes, readable, trimBlanks } from './octets.ts'
import { addressKeys, canMatch, extendedAddressKeys, type Network } from './tcprules-address.ts'
import {
  formatNetworkLengths,
  NETWORK_LENGTHS_KEY,
  networkLengths,
  type NetworkLengths,
} from './tcprules-networks.ts'

/** One record of tcp.smtp.cdb. `key` and `data` hold one character for each byte. */
export interface TcpRuleRecord {
  /** Counts from 1. */
  readonly line: number
  readonly key: string
  readonly data: string
}

export interface TcpRulesText {
  /** In the order of the file; of two records with one key the first counts. */
  readonly records: readonly TcpRuleRecord[]
  readonly networks: NetworkLengths
  /** Lines that tcprules would die of, the first one first. */
  readonly mistakes: readonly LineMistake[]
  /** Lines that have no effect. tcprules says nothing of these; `check` may. */
  readonly doubts: readonly LineMistake[]
}

export interface TcpRulesSyntax {
  /** Also `[2001:db8::1]`, `[2001:db8::]/32` and `192.0.2.0/25`. Without it everything is as with the original. */
  readonly extended?: boolean
}

type Line =
  | { readonly keys: readonly string[]; readonly network?: Network; readonly data: string }
  | { readonly remedy: string }
  | { readonly doubt: string }

const BRACKETED_ADDRESS = /^(?:[^@=:]*@)?\[[^\]]*\][^:]*/
const NO_COLON = 'a rule is ADDRESS:allow or ADDRESS:deny; a line without a colon is ignored'
const USELESS =
  'no client matches this; write a whole address, a prefix that ends in a dot, or =host'

export function parseTcpRules(text: Uint8Array, syntax: TcpRulesSyntax = {}): TcpRulesText {
  const extended = syntax.extended === true
  const records: TcpRuleRecord[] = []
  const mistakes: LineMistake[] = []
  const doubts: LineMistake[] = []
  const lengths = { ipv4: new Set<number>(), ipv6: new Set<number>() }
  for (const [index, raw] of latin1(text).split('\n').entries()) {
    const trimmed = raw.startsWith('#') ? '' : trimBlanks(raw)
    if (trimmed === '') continue
    const line = index + 1
    const parsed = parseLine(trimmed, extended)
    const about = (remedy: string): LineMistake => {
      return { line, text: readable(latin1Bytes(trimmed)), remedy }
    }
    if ('remedy' in parsed) mistakes.push(about(parsed.remedy))
    else if ('doubt' in parsed) doubts.push(about(parsed.doubt))
    else {
      const { keys, network, data } = parsed
      if (network !== undefined) lengths[network.family].add(network.lengthBits)
      else if (!keys.some((key) => canMatch(key, extended))) doubts.push(about(USELESS))
      for (const key of keys) records.push({ line, key, data })
    }
  }
  return { records, networks: networkLengths(lengths.ipv4, lengths.ipv6), mistakes, doubts }
}

/** The bytes of tcp.smtp.cdb: those that tcprules writes, and one record more where there are networks. */
export function compileTcpRules({ records, networks }: TcpRulesText): Uint8Array {
  const lengths = formatNetworkLengths(networks)
  const index = lengths === undefined ? [] : [{ key: NETWORK_LENGTHS_KEY, data: lengths }]
  return buildCdb(
    [...records, ...index].map(({ key, data }) => [latin1Bytes(key), latin1Bytes(data)] as const),
  )
}

function parseLine(line: string, extended: boolean): Line {
  const colon = endOfAddress(line, extended)
  if (colon === -1) return { doubt: NO_COLON }
  const instructions = parseInstructions(line.slice(colon + 1))
  if ('remedy' in instructions) return instructions
  const address = line.slice(0, colon)
  const range = extended ? extendedAddressKeys(address) : addressKeys(address)
  return 'remedy' in range ? range : { ...range, ...instructions }
}

/** The index of the colon that ends the address: the first one, but not one within IPv6's brackets. */
function endOfAddress(line: string, extended: boolean): number {
  const bracketed = extended ? BRACKETED_ADDRESS.exec(line) : null
  return line.indexOf(':', bracketed === null ? 0 : bracketed[0].length)
}

/** `allow` or `deny`, then `,NAME=<quote>value<quote>` again and again, where the quote is any byte. */
function parseInstructions(text: string): { readonly data: string } | { readonly remedy: string } {
  const verb = ['allow', 'deny'].find((word) => text.startsWith(word))
  if (verb === undefined) return { remedy: 'after the address comes :allow or :deny' }
  let data = verb === 'deny' ? 'D\0' : ''
  let rest = text.slice(verb.length)
  while (rest !== '') {
    if (!rest.startsWith(',')) return { remedy: strayText(rest) }
    const equals = rest.indexOf('=')
    const quote = rest.charAt(equals + 1)
    if (equals === -1 || quote === '') return { remedy: 'a variable is written ,NAME="value"' }
    const end = rest.indexOf(quote, equals + 2)
    if (end === -1) return { remedy: 'a value ends with the character that it begins with' }
    data += `+${rest.slice(1, equals + 1)}${rest.slice(equals + 2, end)}\0`
    rest = rest.slice(end + 1)
  }
  return { data }
}

function strayText(rest: string): string {
  if (rest.startsWith('\r')) return 'lines end in LF alone; this one ends in CR LF'
  return 'after allow, deny and each value comes a comma or the end of the line'
}

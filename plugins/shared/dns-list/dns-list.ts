/**
 * What one DNS list is, as an operator writes it, and what its answers mean (RFC 5782). Pure.
 * The notation is Postfix's (postscreen_dnsbl_sites), with rblsmtpd's reply text behind it:
 * `zen.example.org=127.0.0.[2..11]*2 Listed, see https://example.org/?ip=%IP%`.
 */
import ipaddr from 'ipaddr.js'
import { isDomain, type JsonValue, type Option, type Parsed } from 'postern/plugin'

export interface DnsList {
  /** The domain that questions are asked below, in lower case. */
  readonly base: string
  /** Answers that count; absent: every one that a list may give. */
  readonly filter?: AnswerFilter
  /** What a listing adds; below zero for lists of good clients. */
  readonly weight: number
  /** What the client is told; `%IP%` or `%NAME%` stands for what was looked up. Absent: the list's own TXT record. */
  readonly text?: string
}

/** Four octets, each a list of ranges. */
export type AnswerFilter = readonly (readonly (readonly [from: number, to: number])[])[]

/** What a list says of somebody: it holds them, it does not, or its answer is none that a list gives. */
export type Listing =
  | { readonly listed: true; readonly codes: readonly string[] }
  | { readonly listed: false }
  | { readonly listed: 'nonsense'; readonly code: string }

const notation =
  /^(?<base>[^\s=*]+)(?:=(?<filter>[^\s*]+))?(?:\*(?<weight>-?\d{1,4}))?(?:\s+(?<text>.+))?$/
const longestText = 400
const mostLists = 100

/** An option that takes lists in this notation. */
export function dnsListsOption(strings: Option<readonly string[]>): Option<readonly DnsList[]> {
  return {
    ...strings,
    type: 'list of DNS lists',
    parse(value: JsonValue, resources): Parsed<readonly DnsList[]> {
      const texts = strings.parse(value, resources)
      if (!texts.ok) return texts
      if (texts.value.length > mostLists) {
        return { ok: false, problem: 'are too many lists', remedy: `at most ${mostLists} fit` }
      }
      const lists: DnsList[] = []
      for (const text of texts.value) {
        const list = parseDnsList(text)
        if (list === undefined) return notAList(text)
        lists.push(list)
      }
      return { ok: true, value: lists }
    },
  }
}

function notAList(text: string): Parsed<never> {
  return {
    ok: false,
    problem: `${JSON.stringify(text.slice(0, 100))} is no DNS list`,
    remedy:
      'write domain, domain=127.0.0.[2..11], domain*2, or domain=127.0.0.2*2 and a reply text',
  }
}

export function parseDnsList(text: string): DnsList | undefined {
  const groups = notation.exec(text.trim())?.groups
  const base = groups?.['base']?.toLowerCase().replace(/^\.|\.$/g, '')
  if (groups === undefined || base === undefined) return undefined
  if (!base.includes('.') || !isDomain(base)) return undefined
  const { filter: wanted, weight: times, text: reply } = groups
  const filter = wanted === undefined ? undefined : parseFilter(wanted)
  if (wanted !== undefined && filter === undefined) return undefined
  if (reply !== undefined && reply.length > longestText) return undefined
  return {
    base,
    weight: times === undefined ? 1 : Number(times),
    ...(filter === undefined ? {} : { filter }),
    ...(reply === undefined ? {} : { text: reply }),
  }
}

/** `127.0.0.2`, `127.0.0.[2..11]`, `127.0.[0..255].[1;3..5]`. */
function parseFilter(text: string): AnswerFilter | undefined {
  const octets: (readonly (readonly [number, number])[])[] = []
  let rest = text
  for (let index = 0; index < 4; index++) {
    const octet = /^(?:(\d{1,3})|\[([\d.;]{1,200})\])(\.|$)/.exec(rest)
    if (octet === null || (octet[3] === '.') !== index < 3) return undefined
    const ranges = (octet[1] ?? octet[2] ?? '').split(';').map(parseRange)
    if (!ranges.every((range) => range !== undefined)) return undefined
    octets.push(ranges)
    rest = rest.slice(octet[0].length)
  }
  return rest === '' ? octets : undefined
}

function parseRange(text: string): readonly [number, number] | undefined {
  const [, from, to = from] = /^(\d{1,3})(?:\.\.(\d{1,3}))?$/.exec(text) ?? []
  if (from === undefined || Number(from) > Number(to) || Number(to) > 255) return undefined
  return [Number(from), Number(to)]
}

/** All that is within 127/8. */
export const anyCode: AnswerFilter = [[[127, 127]], [[0, 255]], [[0, 255]], [[0, 255]]]

/**
 * What the addresses mean that a list answered with. Lists answer within 127/8; 127.255.255/24 is how they say that
 * they do not answer us, and 127.0.0.1 likewise where no filter asks for it; anything else is a resolver or a lapsed domain that
 * answers every name. None of it is a listing.
 */
export function readListing({ filter }: DnsList, addresses: readonly string[]): Listing {
  const foreign = addresses.find(
    (each) =>
      !each.startsWith('127.') ||
      each.startsWith('127.255.255.') ||
      (filter === undefined && each === refused),
  )
  if (foreign !== undefined) return { listed: 'nonsense', code: foreign }
  const codes = addresses.filter((each) => filter === undefined || matches(filter, each))
  return codes.length === 0 ? { listed: false } : { listed: true, codes }
}

/** How some lists about links say that they do not answer us (RFC 5782 §2.1 has listings from 127.0.0.2 on). */
const refused = '127.0.0.1'

function matches(filter: AnswerFilter, address: string): boolean {
  const octets = address.split('.').map(Number)
  return filter.every((ranges, index) => {
    const octet = octets[index] ?? -1
    return ranges.some(([from, to]) => octet >= from && octet <= to)
  })
}

/** The name by which a list knows an address: octets or nibbles from the back (RFC 5782 §2.1, §2.4). */
export function reversedAddress(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined
  const parsed = ipaddr.parse(address)
  const octets = parsed.toByteArray()
  const parts =
    parsed.kind() === 'ipv4'
      ? octets.map(String)
      : octets.flatMap((octet) => [(octet >> 4).toString(16), (octet & 15).toString(16)])
  return parts.toReversed().join('.')
}

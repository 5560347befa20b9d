/** The RFC 7208 test suite (openspf, Gathman and others), run through our own evaluation and DNS door. */
import { describe, expect, test } from 'vitest'
import { evaluateSpf } from '../../plugins/spf/evaluate.ts'
import { PosternError } from '../../src/mail/errors.ts'
import type { Dns, DnsAnswer } from '../../src/runtime/dns.ts'
import { readVectors, vectorsAreMissing } from './third-party.ts'

type ZoneRecord =
  | 'TIMEOUT'
  | { readonly [type: string]: string | readonly string[] | readonly [number, string] }

interface Scenario {
  readonly description: string
  readonly zonedata: Readonly<Record<string, readonly ZoneRecord[]>>
  readonly tests: Readonly<Record<string, SuiteTest>>
}

interface SuiteTest {
  readonly helo: string
  readonly host: string
  readonly mailfrom: string
  readonly result: string | readonly string[]
  readonly explanation?: string
}

/** A DNS of one scenario: SPF records count as TXT where a name has no TXT of its own. */
function zoneDns(zonedata: Scenario['zonedata']): Dns {
  const names = new Map(Object.entries(zonedata).map(([name, records]) => [plain(name), records]))
  const ask = async (
    name: string,
    type: string,
  ): Promise<DnsAnswer<string | readonly string[]>> => {
    const records = names.get(plain(name))
    if (records === undefined) return { answer: 'no-name' }
    const found = ofType(records, type)
    if (found.length > 0) return { answer: 'found', records: found }
    if (records.includes('TIMEOUT')) throw new PosternError('DNS_FAILED', name)
    const alias = ofType(records, 'CNAME')[0]
    return typeof alias === 'string' ? ask(alias, type) : { answer: 'no-data' }
  }
  const texts = async (name: string, type: string): Promise<DnsAnswer<string>> => {
    const answer = await ask(name, type)
    return answer.answer === 'found'
      ? { ...answer, records: answer.records.map((record) => [record].flat().join('')) }
      : answer
  }
  return {
    ipv4: (name) => texts(name, 'A'),
    async addresses(name) {
      const [four, six] = [await texts(name, 'A'), await texts(name, 'AAAA')]
      const records = [four, six].flatMap((each) => (each.answer === 'found' ? each.records : []))
      return records.length > 0 ? { answer: 'found', records } : six
    },
    txt: (name) => texts(name, 'TXT'),
    reverse: (address) => texts(reverseName(address), 'PTR'),
    async mx(name) {
      const answer = await ask(name, 'MX')
      if (answer.answer !== 'found') return answer
      const records = answer.records.map((record) => {
        const [preference, exchange] = [record].flat()
        return { preference: Number(preference), exchange: String(exchange) }
      })
      return { answer: 'found', records }
    },
  }
}

function ofType(
  records: readonly ZoneRecord[],
  type: string,
): readonly (string | readonly string[])[] {
  const own = records.flatMap((record) => {
    const value = record === 'TIMEOUT' ? undefined : record[type]
    return value === undefined ? [] : [Array.isArray(value) ? value.map(String) : String(value)]
  })
  if (type !== 'TXT') return own
  if (own.length > 0) return own.filter((value) => value !== 'NONE')
  return ofType(records, 'SPF')
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function reverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`
  const [head = '', tail = ''] = address.split('::')
  const before = head.split(':').filter((group) => group !== '')
  const after = tail.split(':').filter((group) => group !== '')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const digits = [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('')
  return `${digits.toLowerCase().split('').toReversed().join('.')}.ip6.arpa`
}

const scenarios: readonly Scenario[] = vectorsAreMissing
  ? []
  : JSON.parse(readVectors('spf/rfc7208-tests.json'))

describe.skipIf(vectorsAreMissing)('the RFC 7208 suite', () => {
  describe.each(scenarios)('$description', ({ zonedata, tests }) => {
    test.each(Object.entries(tests))(
      '%s',
      async (_name, { helo, host, mailfrom, result, explanation }) => {
        const answer = await evaluateSpf(
          { address: host, sender: mailfrom, hello: helo, hostname: 'receiver.example' },
          { rules: '', guess: '' },
          { dns: zoneDns(zonedata), signal: new AbortController().signal },
        )
        const wanted = [result].flat()
        expect(wanted).toContain(answer.result)
        const said = answer.explanation?.toLowerCase()
        const words = explanation === 'DEFAULT' ? said : explanation?.toLowerCase()
        expect(said).toBe(words ?? said)
      },
    )
  })
})

/** rspamd's functional cases of DMARC (115_dmarc.robot), with its fake DNS: SPF, DKIM and DMARC as our plugins ask them. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { dkim } from '../../plugins/dkim/dkim.ts'
import { dmarc } from '../../plugins/dmarc/dmarc.ts'
import { dmarcResult } from '../../plugins/dmarc/findings.ts'
import { spf } from '../../plugins/spf/spf.ts'
import { findingValue, type Finding } from '../../src/plugin/finding.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { fakeDns, pluginUnderTest, type FakeName } from '../../src/testkit/index.ts'
import { folderOf, readVectors, vectorsAreMissing } from './third-party.ts'

/**
 * rspamd finds the organizational domain in the public suffix list, as RFC 7489 said. By the tree walk of RFC 9989
 * §4.10.2 it is where a record is: my.mom.za.org has one, and mom.za.org, which signed or sent it, has none.
 */
const byTheSuffixList = new Set([
  'DMARC SUBDOMAIN PASS DKIM RELAXED ALIGNMENT',
  'DMARC SUBDOMAIN PASS SPF RELAXED ALIGNMENT',
])

interface Case {
  readonly name: string
  readonly file: string
  readonly ip: string
  readonly from: string
  readonly symbol: string
}

function readCases(robot: string): readonly Case[] {
  return robot.split(/\n\n/).flatMap((block) => {
    const file = /messages\/dmarc\/(\S+)/.exec(block)?.[1]
    const symbol = /^ +Expect Symbol\s+(DMARC_\w+)/m.exec(block)?.[1]
    if (file === undefined || symbol === undefined) return []
    const name = /^DMARC [A-Z ]+$/m.exec(block)?.[0] ?? file
    const ip = /IP=(\S+)/.exec(block)?.[1] ?? '192.0.2.1'
    return [{ name, file, ip, from: / From=(\S+)/.exec(block)?.[1] ?? '', symbol }]
  })
}

function readZones(conf: string): Readonly<Record<string, FakeName | 'fails'>> {
  const zones = new Map<string, FakeName | 'fails'>()
  for (const [, name = '', type, rest = ''] of conf.matchAll(
    /name = "([^"]+)",?;?\s*type = "?(\w+)"?;([^}]*)\}/g,
  )) {
    if (/rcode = '(?:timeout|servfail)'/.test(rest)) zones.set(name, 'fails')
    const replies = [
      ...(/replies = \[([^\]]*)\]/.exec(rest)?.[1] ?? '').matchAll(/"((?:[^"\\]|\\.)*)"/g),
    ]
    if (replies.length === 0) continue
    const texts = replies.map(([, text = '']) => text.replaceAll('\\"', '"'))
    const known = zones.get(name)
    const before = known === undefined || known === 'fails' ? {} : known
    if (type === 'txt') zones.set(name, { ...before, txt: texts })
    if (type === 'a') zones.set(name, { ...before, addresses: texts })
  }
  return Object.fromEntries(zones)
}

function symbolOf(value: Finding['value']): string {
  const { result, policy } = findingValue(dmarcResult, value)
  if (result === 'pass') return 'DMARC_POLICY_ALLOW'
  if (result === 'temperror') return 'DMARC_DNSFAIL'
  if (result !== 'fail') return 'DMARC_NA'
  return policy === 'none' ? 'DMARC_POLICY_SOFTFAIL' : `DMARC_POLICY_${policy?.toUpperCase()}`
}

const cases = vectorsAreMissing ? [] : readCases(readVectors('dmarc/115_dmarc.robot'))

describe.skipIf(vectorsAreMissing)('the DMARC cases of rspamd', () => {
  test('come out as rspamd says', async () => {
    const dns = fakeDns(readZones(readVectors('dmarc/merged-local.conf')))
    const outcomes: (readonly [string, string, string])[] = []
    for (const { name, file, ip, from, symbol } of cases) {
      const bytes = readFileSync(`${folderOf('dmarc/messages-dmarc')}/${file}`, 'latin1')
      const message = memoryMessage(Buffer.from(bytes.replace(/\r?\n/g, '\r\n'), 'latin1'))
      const session = { remote: { address: ip, port: 1 } }
      const parts = { doors: { dns }, session }
      const bySpf = await pluginUnderTest(spf, { ...parts, options: { level: '1' } }).mail(from)
      const byDkim = await pluginUnderTest(dkim, parts).message(message)
      const findings = [...(bySpf.findings ?? []), ...(byDkim.findings ?? [])]
      const verdict = await pluginUnderTest(dmarc, { ...parts, findings }).message(message)
      outcomes.push([name, symbol, symbolOf(verdict.findings?.[0]?.value ?? null)])
    }
    const right = outcomes.filter(([, expected, found]) => expected === found)
    process.stdout.write(`rspamd's DMARC cases: ${right.length} of ${outcomes.length}\n`)
    expect(outcomes).toHaveLength(16)
    expect(outcomes.map(([name, , found]) => [name, found])).toEqual(
      outcomes.map(([name, expected]) => [
        name,
        byTheSuffixList.has(name) ? 'DMARC_POLICY_REJECT' : expected,
      ]),
    )
  })
})

/** Mail::DKIM's corpus (fastmail/mail-dkim, 79 mails), verified by the plugin `dkim` with the keys of its fake DNS. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { dkim } from '../../plugins/dkim/dkim.ts'
import { dkimResult } from '../../plugins/dkim/findings.ts'
import { findingValue } from '../../src/plugin/finding.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { fakeDns, pluginUnderTest, type FakeName } from '../../src/testkit/index.ts'
import { folderOf, readVectors, vectorsAreMissing } from './third-party.ts'

interface Corpus {
  readonly expect: Readonly<Record<string, { readonly result: string }>>
  readonly dns_txt: Readonly<Record<string, readonly string[]>>
}

/** DomainKeys (RFC 4870) are obsolete and not verified: such mail is not signed, for us. */
const domainKeys = /^(?:good|bad)_dk_|^dk_/

/** Signed by a draft whose canonicalization and tags DKIM no longer has. */
const firstDraft = /^good_ietf00_/

/** `g=` of a key is no longer read (RFC 6376 §3.6.1), and Mail::DKIM still does. */
const granularity = new Set(['badkey_8.txt', 'badkey_9.txt', 'badkey_12.txt', 'badkey_13.txt'])

/** What only the letter of RFC 6376 refuses: `q=` of another kind, `i=` outside of `d=` or below it with `t=s`. */
const letterOnly = new Set(['ignore_5.txt', 'ignore_6.txt', 'ignore_8.txt', 'badkey_10.txt'])

interface Outcome {
  readonly name: string
  readonly expected: boolean
  readonly passed: boolean
  readonly result: string
  readonly problem: string | undefined
}

async function verifyAll(
  options: Readonly<Record<string, string | number | boolean>>,
): Promise<readonly Outcome[]> {
  const corpus = JSON.parse(readVectors('dkim/mail-dkim/expect.json')) as Corpus
  const zones: Record<string, FakeName | 'fails'> = {}
  for (const [name, [record = '']] of Object.entries(corpus.dns_txt)) {
    if (record === 'NXDOMAIN') continue
    zones[name] = record.startsWith('~~') ? 'fails' : { txt: [record === '""' ? '' : record] }
  }
  const plugin = pluginUnderTest(dkim, { options, doors: { dns: fakeDns(zones) } })
  const outcomes: Outcome[] = []
  for (const [name, { result }] of Object.entries(corpus.expect)) {
    const bytes = readFileSync(`${folderOf('dkim/mail-dkim/corpus')}/${name}`)
    const verdict = await plugin.message(memoryMessage(bytes))
    const found = findingValue(dkimResult, verdict.findings?.[0]?.value ?? null)
    outcomes.push({
      name,
      expected: result === 'pass',
      passed: found.result === 'pass',
      result: found.result,
      problem: found.problem,
    })
  }
  return outcomes
}

function printed(what: string, outcomes: readonly Outcome[]): readonly Outcome[] {
  const dkimMails = outcomes.filter(({ name }) => !domainKeys.test(name))
  const right = dkimMails.filter(({ expected, passed }) => expected === passed).length
  process.stdout.write(
    `mail-dkim, ${what}: ${right} of ${dkimMails.length} as Mail::DKIM says, DomainKeys left out\n`,
  )
  return outcomes
}

describe.skipIf(vectorsAreMissing)('the corpus of Mail::DKIM', () => {
  test('read as generously as it was written, every DKIM signature that holds there holds here', async () => {
    const generous = { strict: false, rsa_sha1: true, min_key_bits: 512 }
    const outcomes = printed('generously', await verifyAll(generous))
    expect(outcomes).toHaveLength(79)
    const seen = outcomes.map(({ name, passed, result }) => [name, passed, result])
    expect(seen).toEqual(
      outcomes.map(({ name, expected, result }) => {
        if (domainKeys.test(name)) return [name, false, 'none']
        if (firstDraft.test(name)) return [name, false, 'fail']
        const generous = granularity.has(name) || letterOnly.has(name)
        return [name, expected || generous, result]
      }),
    )
  })

  test('by the letter, nothing passes that should not, and what does not pass says why', async () => {
    const outcomes = printed('by RFC 6376 and 8301', await verifyAll({}))
    const passed = outcomes.filter((each) => each.passed)
    expect(passed.map(({ name, expected }) => [name, expected])).toEqual([
      ['goodkey_ed25519.txt', true],
    ])
    // Weak: RSA-SHA1, which RFC 8301 §3.1 forbids. Syntax: without v=1, as the drafts were written.
    const others = outcomes.filter(
      (each) => each.expected && !each.passed && !domainKeys.test(each.name),
    )
    const why = others.map(({ result, problem }) => `${result} ${problem}`)
    expect(new Set(why)).toEqual(new Set(['policy weak-key', 'neutral syntax']))
  })
})

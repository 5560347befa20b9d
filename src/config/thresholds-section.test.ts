import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryFiles } from '../testkit/memory-files.ts'
import { parseConfigDocument } from './document.ts'
import { isMap, Reading } from './reading.ts'
import { readThresholds, type ThresholdsConfiguration } from './thresholds-section.ts'

interface Read extends ThresholdsConfiguration {
  readonly mistakes: readonly string[]
  readonly followed: readonly string[]
}

function read(yaml: string, tables: Readonly<Record<string, string>> = {}): Read {
  const { document } = parseConfigDocument('postern.yaml', yaml)
  if (document === undefined || !isMap(document.value)) throw new Error('no map')
  const reading = new Reading(document, memoryFiles())
  const mistakes: string[] = []
  const followed: string[] = []
  const result = readThresholds(reading, document.value, {
    readText(path) {
      followed.push(path)
      return tables[path]
    },
    mistake: (file, line, problem) => mistakes.push(`${file}:${line ?? ''}: ${problem}`),
  })
  const written = reading.mistakes.map(({ line, key, problem }) => `${line} ${key} ${problem}`)
  return { ...result, mistakes: [...mistakes, ...written], followed }
}

describe('thresholds', () => {
  test('hold for everybody, for domains and for recipients, each key by itself', () => {
    const { thresholds, thresholdRules, mistakes } = read(`
thresholds:
  tag: 5
  reject: 15
  quarantine: never
  domains:
    Example.ORG: { reject: 10 }
    .bücher.example: { quarantine: 4 }
  recipients:
    Abuse@example.org: { reject: never, quarantine: never }
`)
    expect(mistakes).toEqual([])
    expect(thresholds).toEqual({ tag: 5, reject: 15 })
    expect([...thresholdRules]).toEqual([
      ['example.org', { reject: 10 }],
      ['.xn--bcher-kva.example', { quarantine: 4 }],
      ['abuse@example.org', { reject: null, quarantine: null }],
    ])
  })

  test('come from a table too, which is followed, and postern.yaml beats it', () => {
    const table = '# ours\n\nexample.org tag=2  quarantine=never\nbob@example.org reject=3.5\n'
    const { thresholdRules, mistakes, followed } = read(
      'thresholds: { table: t, domains: { example.org: { tag: 3 } } }',
      { t: table },
    )
    expect(mistakes).toEqual([])
    expect(followed).toEqual(['t'])
    expect([...thresholdRules]).toEqual([
      ['example.org', { tag: 3 }],
      ['bob@example.org', { reject: 3.5 }],
    ])
  })

  test('that make no sense are mistakes with their place', () => {
    const yaml = `
thresholds:
  tag: high
  spam: 3
  table: t
  domains:
    bob@example.org: { tag: 1 }
    example.org: 7
  recipients:
    example.org: { tag: 1 }
`
    expect(read(yaml, { t: 'example.org tag=high\nnobody\n' }).mistakes).toEqual([
      "t:1: 'example.org tag=high' is no rule",
      "t:2: 'nobody' is no rule",
      '4 thresholds.spam is not a key that Postern knows',
      '3 thresholds.tag "high" is not a score',
      "7 thresholds.domains.bob@example.org 'bob@example.org' does not belong here",
      '8 thresholds.domains.example.org is not a map',
      "10 thresholds.recipients.example.org 'example.org' does not belong here",
    ])
    expect(read('thresholds: { table: t }').mistakes).toEqual(['t:: is missing'])
  })

  test('whatever a table holds, it is rules or mistakes, and never an exception', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { thresholdRules, mistakes } = read('thresholds: { table: t }', { t: text })
        const lines = text.split('\n').filter((line) => !/^\s*(?:#|$)/.test(line))
        expect(thresholdRules.size + mistakes.length).toBeLessThanOrEqual(lines.length)
      }),
    )
  })
})

test('tagging writes fields and a subject prefix; what no header may hold is a mistake', () => {
  expect(
    read('tagging: { subject_prefix: "[SPAM] ", fields: { X-Spam-Flag: "YES" } }').tagging,
  ).toEqual({ subjectPrefix: '[SPAM] ', fields: [['X-Spam-Flag', 'YES']] })
  expect(read('tagging: { fields: { "X Spam": "YES", X-Ok: "a\\r\\nBcc: b" } }').mistakes).toEqual([
    '1 tagging.fields.X Spam is no header field',
    '1 tagging.fields.X-Ok is no header field',
  ])
})

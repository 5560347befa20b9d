import { describe, expect, test } from 'vitest'
import { compileTcpRules, parseTcpRules } from '../formats/tcprules.ts'
import { findTcpRule } from '../formats/tcprules-lookup.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { readTcpRules, type RuleFiles } from './tcp-rules-file.ts'

function files(there: Record<string, Uint8Array>): RuleFiles {
  const mistakes: Mistake[] = []
  const doubts: Mistake[] = []
  return {
    mistakes,
    doubts,
    shown: (path) => `config/${path}`,
    read: (path) => there[path],
    isUnread: () => false,
  }
}
const text = (rules: string): Uint8Array => Buffer.from(rules)
const compiled = (rules: string, extended = true): Uint8Array =>
  compileTcpRules(parseTcpRules(text(rules), { extended }))

describe('rules for clients', () => {
  test('are read from a text, networks included', () => {
    const folder = files({ 'tcp.smtp': text('192.0.2.0/25:deny\n') })
    const rules = readTcpRules(folder, 'tcp.smtp')
    expect(findTcpRule(rules, { ip: '192.0.2.9' })).toMatchObject({ action: 'deny' })
    expect([...folder.mistakes, ...folder.doubts]).toEqual([])
  })

  test('are read from a cdb, of the original tcprules or with networks', () => {
    for (const rules of ['192.0.2.9:deny\n', '192.0.2.0/25:deny\n']) {
      const folder = files({ 'tcp.smtp.cdb': compiled(rules) })
      const found = findTcpRule(readTcpRules(folder, 'tcp.smtp.cdb'), { ip: '192.0.2.9' })
      expect(found).toMatchObject({ action: 'deny' })
      expect([...folder.mistakes, ...folder.doubts]).toEqual([])
    }
  })

  test('in a cdb are in force whatever the text beside it says, and that is a doubt', () => {
    const folder = files({
      'tcp.smtp': text(':allow\n'),
      'tcp.smtp.cdb': compiled(':deny\n'),
    })
    expect(findTcpRule(readTcpRules(folder, 'tcp.smtp.cdb'), { ip: '192.0.2.9' })).toMatchObject({
      action: 'deny',
    })
    expect(folder.doubts).toMatchObject([
      { file: 'config/tcp.smtp', problem: expect.stringContaining('config/tcp.smtp.cdb') },
    ])
  })

  test('are no doubt where text and cdb agree', () => {
    for (const extended of [true, false]) {
      const rules = '192.0.2.:deny\n192.0.2.0/25:allow\n'
      const folder = files({
        'tcp.smtp': text(rules),
        'tcp.smtp.cdb': compiled(rules, extended),
      })
      readTcpRules(folder, 'tcp.smtp.cdb')
      expect(folder.doubts).toEqual([])
    }
  })

  test.each([
    ['missing', undefined, 'is missing'],
    ['empty', new Uint8Array(), 'is damaged'],
    ['cut off', compiled(':deny\n').subarray(0, 2050), 'is damaged'],
  ])('in a cdb that is %s are a mistake', (_, bytes, problem) => {
    const folder = files(bytes === undefined ? {} : { 'tcp.smtp.cdb': bytes })
    readTcpRules(folder, 'tcp.smtp.cdb')
    expect(folder.mistakes).toMatchObject([
      { file: 'config/tcp.smtp.cdb', problem: expect.stringContaining(problem) },
    ])
  })
})

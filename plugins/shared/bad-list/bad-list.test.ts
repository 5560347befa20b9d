import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuMsOf, memoryFiles, recordingLog } from 'postern/testkit'
import { followBadList, readBadList, type Dialect } from './bad-list.ts'

const find = (dialect: Dialect, lines: string, text: string): string | undefined =>
  readBadList(Buffer.from(lines), dialect).list.find(text)

describe('a list in qmail’s dialect', () => {
  const lines = 'Spam@Evil.example\n@worse.example\n# a comment\nplain\n'

  test.each([
    ['spam@evil.EXAMPLE', 'Spam@Evil.example'],
    ['anybody@Worse.example', '@worse.example'],
    ['plain', 'plain'],
  ])('holds %s by the line %s', (address, line) => {
    expect(find('qmail', lines, address)).toBe(line)
  })

  test.each([
    'xspam@evil.example',
    'spam@evil.example.org',
    'a@b.worse.example',
    '',
    'evil.example',
  ])('does not hold %s', (address) => {
    expect(find('qmail', lines, address)).toBeUndefined()
  })
})

describe('a list in jms’s dialect', () => {
  test.each([
    ['spam@evil\\.example', 'XSPAM@evil.EXAMPLE.com'],
    ['^[[:alpha:]]+@', 'bob@x.test'],
    ['(\\.biz|\\.info)$', 'bob@x.info'],
    ['!@', 'nobody'],
    ['[0-9]{4,}', 'bob12345@x.test'],
  ])('holds by %s what matches it: %s', (line, address) => {
    expect(find('jms', `${line}\n`, address)).toBe(line)
  })

  test.each([
    ['spam@evil\\.example', 'spam@evilxexample'],
    ['!\\.test$', 'bob@x.test'],
    ['^bob', 'a-bob@x.test'],
  ])('does not hold by %s what does not: %s', (line, address) => {
    expect(find('jms', `${line}\n`, address)).toBeUndefined()
  })

  test('names the lines that are no expressions', () => {
    const { mistakes } = readBadList(Buffer.from('good\n(bad\n'), 'jms')
    expect(mistakes).toMatchObject([{ line: 2, text: '(bad' }])
  })

  test('takes linear time for expressions that would take others for ever', async () => {
    const cpuMs = await cpuMsOf(() => {
      expect(find('jms', '^(a+)+$\n(x*)*y\n', `${'a'.repeat(900)}!`)).toBeUndefined()
    })
    expect(cpuMs).toBeLessThan(2_000)
  })

  test('whatever is written and whatever is asked, it answers', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ maxLength: 50 }), (lines, address) => {
        const line = find('jms', lines, address)
        expect(line === undefined || lines.includes(line)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a list that is followed', () => {
  test('is refused with file, line and problem where it has mistakes from the start', () => {
    const files = memoryFiles({ bad: 'good\n(bad\n' })
    expect(() => followBadList(files.file('bad'), 'jms', recordingLog())).toThrow(
      /^bad:2: \(bad: a \( without its \)/,
    )
  })

  test('stays as it was where it gets mistakes later, and says so', () => {
    const files = memoryFiles({ bad: 'evil\n' })
    const log = recordingLog()
    const live = followBadList(files.file('bad'), 'jms', log)
    files.set('bad', 'other\n(bad\n')
    expect(live.current.find('evil')).toBe('evil')
    expect(log.events).toMatchObject([{ event: 'bad-list.not-taken', fields: { line: 2 } }])
    files.set('bad', 'other\n')
    expect(live.current.find('evil')).toBeUndefined()
  })

  test('holds nobody where there is no file', () => {
    const live = followBadList(memoryFiles().file('bad'), 'qmail', recordingLog())
    expect(live.current.find('anybody')).toBeUndefined()
  })
})

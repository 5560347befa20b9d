import { expect, test } from 'vitest'
import { aliasCircles } from './alias-circles.ts'

const qualifiers = { defaultHost: 'h.test', defaultDomain: 'd.test', plusDomain: 'p.test' }

function found(text: string) {
  return aliasCircles(Buffer.from(text), qualifiers, (domain) => domain === 'h.test')
}

test.each([
  ['who is among the own recipients', '# mine\njoe: joe, other\n', [2, 'joe@']],
  ['two that lead to each other', 'x: y\na: b,\n  ann@far.test\nb: a, c\n', [2, 'a@', 'b@']],
  ['longer ones, from wherever', 'in: c\na: b\nb: c\nc: A@H.test\n', [2, 'a@', 'b@', 'c@']],
  [
    'whole addresses, at other domains too',
    'a@far.test: b@far.test\nb@far.test: a@far.test\n',
    [1, 'a@far.test', 'b@far.test'],
  ],
  ['all names of a domain of ours', '@h.test: root\n', [1, '@h.test']],
])('an alias that leads back to itself is found with its line: %s', (_, text, [line, ...names]) => {
  expect(found(text)).toEqual({ circles: [{ line, names }] })
})

test.each(['joe: joe@far.test\n', 'a: b, c\nb: d\nc: d\nd: e\n', 'a: |joe, :include:/a\n'])(
  'one that leads elsewhere, or twice to the same, is none: %j',
  (text) => {
    expect(found(text)).toEqual({ circles: [] })
  },
)

test('a line that newaliases refuses is told in its words', () => {
  expect(found('a: b\n\nb: /var/mail/b\n')).toEqual({
    circles: [],
    trouble: { line: 3, text: 'file delivery /var/mail/b not supported' },
  })
})

test('a file of any length is gone through in one go', () => {
  const lines = Array.from({ length: 20_000 }, (_, at) => `a${at}: a${(at + 1) % 20_000}\n`)
  const { circles } = found(lines.join(''))
  expect(circles.map(({ line, names }) => [line, names.length])).toEqual([[1, 20_000]])
})

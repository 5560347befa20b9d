import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cpuMsOf } from 'postern/testkit'
import { readResults } from './read-results.ts'
import { formatResults } from './write-results.ts'

const read = (value: string) =>
  readResults(value).map(({ method, result, reason, properties }) => ({
    method,
    result,
    ...(reason === undefined ? {} : { reason }),
    ...Object.fromEntries(properties),
  }))

test.each([
  ['example.com 1; none', []],
  [
    'example.com; \r\n \t spf=pass smtp.mailfrom=example.net',
    [{ method: 'spf', result: 'pass', 'smtp.mailfrom': 'example.net' }],
  ],
  [
    'i=1; x; dmarc=fail (p=reject; dis=none) header.from=a.b',
    [{ method: 'dmarc', result: 'fail', 'header.from': 'a.b' }],
  ],
  [
    'foo.test (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail policy (A dot can go here) . (like that) expired (this surprised me) = (as I wanted to see it) 1362471462',
    [{ method: 'dkim', result: 'fail', 'policy.expired': '1362471462' }],
  ],
  [
    'e.test; dkim=pass reason="good \\"sig\\"" header.d=e.com header.b=abc',
    [
      {
        method: 'dkim',
        result: 'pass',
        reason: 'good "sig"',
        'header.d': 'e.com',
        'header.b': 'abc',
      },
    ],
  ],
  [
    '"quoted; id"; spf=fail smtp.mailfrom="a b"@c',
    [{ method: 'spf', result: 'fail', 'smtp.mailfrom': 'a b@c' }],
  ],
  ['x; foo; spf=; =pass; auth=pass smtp', [{ method: 'auth', result: 'pass' }]],
  ['x; dkim=pass header.d=legitimate.com(.attack.com', []],
  ['x; spf=pass "', []],
  ['', []],
])('%s', (value, results) => {
  expect(read(value)).toEqual(results)
})

test('what we write is what is read', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/)
  const text = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(
      fc.array(fc.record({ method: word, result: word, reason: text, value: text }), {
        minLength: 1,
      }),
      (results) => {
        const written = formatResults(
          'mx.test',
          results.map(({ value, ...rest }) => ({ ...rest, properties: { 'header.x': value } })),
        )
        expect(read(written)).toEqual(
          results.map(({ value, ...rest }) => ({ ...rest, 'header.x': value })),
        )
      },
    ),
  )
})

test('no text makes it throw, or takes it long', async () => {
  fc.assert(fc.property(fc.string(), (text) => void readResults(`x;${text}`)))
  const cpuMs = await cpuMsOf(() => {
    for (const piece of ['(', '"', ';a=b', ' a.b=c', '\\', 'a', ' '])
      readResults(`x;a=b${piece.repeat(30_000)}`)
  })
  expect(cpuMs).toBeLessThan(10_000)
})

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryMessage } from 'postern/testkit'
import { RelaxedBody, relaxedBodyHash } from './body-hash.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64')
const { signal } = new AbortController()

/** As the words of RFC 6376 §3.4.4 say it, all at once. */
function canonical(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  const text = lines.join('\r\n').replace(/(?:\r\n)*$/, '')
  return text === '' ? '' : `${text}\r\n`
}

test.each([
  ['the example of RFC 6376 §3.4.5', ' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
  ['an empty body', '', ''],
  ['nothing but empty lines', '\r\n\r\n \r\n', ''],
  ['a last line without an end', 'a\r\nb', 'a\r\nb\r\n'],
  ['empty lines above', '\r\n\r\na\r\n', '\r\n\r\na\r\n'],
  ['a CR that stands alone', 'a\rb \r\r\n\r', 'a\rb \r\r\n\r\r\n'],
  ['many empty lines', `a${'\r\n'.repeat(70_000)}b`, `a${'\r\n'.repeat(70_000)}b\r\n`],
  ['a long body', 'ab  c\t\r\n'.repeat(40_000), 'ab c\r\n'.repeat(40_000)],
])('%s', async (_, body, text) => {
  expect(await relaxedBodyHash(memoryMessage(`A: b\r\n\r\n${body}`), signal)).toBe(sha256(text))
})

test('is the same wherever the chunks end', () => {
  const piece = fc.constantFrom('a', ' ', '\t', '\r\n', '\r\n\r\n', 'word', ' \r\n', '\r')
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat({ max: 30 })), (pieces, cuts) => {
      const text = pieces.join('')
      const body = new RelaxedBody()
      let from = 0
      for (const cut of cuts) body.update(Buffer.from(text.slice(from, (from += cut))))
      body.update(Buffer.from(text.slice(from)))
      expect(body.digest()).toBe(sha256(canonical(text)))
    }),
  )
})

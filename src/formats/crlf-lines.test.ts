import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CrlfLines } from './crlf-lines.ts'

function convert(...chunks: readonly (string | Uint8Array)[]): string {
  const lines = new CrlfLines()
  const parts = chunks.map((chunk) => lines.convert(Buffer.from(chunk)))
  return Buffer.concat([...parts, lines.end()]).toString('latin1')
}

describe('a message of this host', () => {
  test.each([
    ['', ''],
    ['a\nb\n', 'a\r\nb\r\n'],
    ['\n\n', '\r\n\r\n'],
    ['a\r\nb\r\n', 'a\r\nb\r\n'],
    ['a\rb\n', 'a\rb\r\n'],
    ['no end', 'no end\r\n'],
    ['half an end\r', 'half an end\r\n'],
  ])('has CRLF line ends in the spool: %j', (text, expected) => {
    expect(convert(text)).toBe(expected)
  })

  test('comes out the same however it is cut, without a bare LF, and unchanged the second time', () => {
    const noise = fc.array(fc.constantFrom(0x0d, 0x0a, 0x2e, 0x61, 0xff))
    fc.assert(
      fc.property(noise, fc.nat(), (bytes, cut) => {
        const whole = Uint8Array.from(bytes)
        const at = cut % (whole.length + 1)
        const out = convert(whole)
        expect(convert(whole.subarray(0, at), whole.subarray(at))).toBe(out)
        expect(out).not.toMatch(/(?<!\r)\n/)
        expect(out === '' || out.endsWith('\r\n')).toBe(true)
        expect(convert(Buffer.from(out, 'latin1'))).toBe(out)
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataEncoder } from './data-encoder.ts'

function encode(...chunks: string[]): string {
  const encoder = new DataEncoder()
  const parts = chunks.map((chunk) => encoder.encode(Buffer.from(chunk, 'latin1')))
  return Buffer.concat([...parts, encoder.end()]).toString('latin1')
}

/** What a strict receiver makes of it: the lines up to the lone dot, and what follows. */
function decode(wire: string): { message: string; rest: string } {
  const lines = wire.split('\r\n')
  const end = lines.indexOf('.')
  const message = lines.slice(0, end).map((line) => `${line.replace(/^\./, '')}\r\n`)
  return { message: message.join(''), rest: lines.slice(end + 1).join('\r\n') }
}

const messy = fc.string({ unit: fc.constantFrom('\r', '\n', '\r\n', '.', 'a', '\xe9') })

describe('the data that follows DATA', () => {
  test.each([
    ['', '.\r\n'],
    ['hello\r\n', 'hello\r\n.\r\n'],
    ['.\r\n', '..\r\n.\r\n'],
    ['a\r\n.b\r\n..\r\n', 'a\r\n..b\r\n...\r\n.\r\n'],
    ['no end', 'no end\r\n.\r\n'],
    ['no end\r', 'no end \r\n.\r\n'],
    ['a\n.\nb\r\n', 'a . b\r\n.\r\n'],
    ['a\r.\r\nb\r\n', 'a .\r\nb\r\n.\r\n'],
    ['\n.\r\n', ' .\r\n.\r\n'],
    ['a\r\r\n.\r\n', 'a \r\n..\r\n.\r\n'],
  ])('%j goes out as %j', (message, wire) => {
    expect(encode(message)).toBe(wire)
  })

  test('the end of the message is the only lone dot, whatever the message holds', () => {
    fc.assert(
      fc.property(messy, (message) => {
        expect(decode(encode(message)).rest).toBe('')
      }),
    )
  })

  test('no CR and no LF ever stands alone', () => {
    fc.assert(
      fc.property(messy, (message) => {
        expect(encode(message).replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
      }),
    )
  })

  test('a message with proper line ends arrives as it is', () => {
    const lines = fc.array(fc.string({ unit: fc.constantFrom('.', 'a', ' ', '\xe9') }))
    fc.assert(
      fc.property(lines, (given) => {
        const message = given.map((line) => `${line}\r\n`).join('')
        expect(decode(encode(message)).message).toBe(message)
      }),
    )
  })

  test('how it is cut into chunks makes no difference', () => {
    fc.assert(
      fc.property(fc.array(messy), (chunks) => {
        expect(encode(...chunks)).toBe(encode(chunks.join('')))
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatReply, printable, reply } from './reply.ts'

describe('a reply', () => {
  test('of one line', () => {
    expect(formatReply(reply(250, '2.0.0', 'Queued'))).toBe('250 2.0.0 Queued\r\n')
    expect(formatReply(reply(354, undefined, 'Go on'))).toBe('354 Go on\r\n')
  })

  test('of several lines has its code and status on each', () => {
    expect(formatReply({ code: 550, status: '5.7.1', lines: ['One', 'Two', 'Three'] })).toBe(
      '550-5.7.1 One\r\n550-5.7.1 Two\r\n550 5.7.1 Three\r\n',
    )
    expect(formatReply({ code: 250, lines: ['mx.example.org', 'PIPELINING'] })).toBe(
      '250-mx.example.org\r\n250 PIPELINING\r\n',
    )
  })

  test('quotes nothing that could end it or colour a terminal', () => {
    expect(formatReply(reply(550, undefined, 'a\r\n250 ok\u001b[0mø'))).toBe(
      '550 a??250 ok?[0m?\r\n',
    )
  })

  test('keeps to the 512 octets of a reply line, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        const line = formatReply(reply(550, '5.999.999', text))
        expect(line).toMatch(/^550 5\.999\.999 [\x20-\x7e]*\r\n$/)
        expect(line.length).toBeLessThanOrEqual(512)
      }),
    )
  })
})

describe('printable text', () => {
  test('is left alone, and cut at 400 characters', () => {
    expect(printable('All ASCII ~')).toBe('All ASCII ~')
    expect(printable('x'.repeat(400))).toBe('x'.repeat(400))
    expect(printable('x'.repeat(401))).toBe(`${'x'.repeat(397)}...`)
  })
})

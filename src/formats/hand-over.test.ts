import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatHandOver, parseHandOver, variablesToHandOver } from './hand-over.ts'

test('variables of mail are handed over, those of the shell are not', () => {
  const variables = variablesToHandOver({
    TCPREMOTEIP: '192.0.2.7',
    RELAYCLIENT: '',
    PATH: '/bin',
    LC_ALL: 'C',
    npm_config: 'x',
    'BASH_FUNC_x%%': '() {}',
    GONE: undefined,
  })
  expect([...variables]).toEqual([
    ['TCPREMOTEIP', '192.0.2.7'],
    ['RELAYCLIENT', ''],
  ])
})

test('what is written is read, byte by byte too, and what follows is not its', () => {
  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,10}$/)
  const value = fc.string().filter((text) => !text.includes('\0') && text.isWellFormed())
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.uint8Array(), (entries, rest) => {
      const variables = new Map(Object.entries(entries))
      const block = formatHandOver(variables) ?? Buffer.alloc(0)
      const step = parseHandOver(Buffer.concat([block, rest]))
      expect(step).toEqual({ state: 'done', usedBytes: block.length, value: variables })
      for (let length = 0; length < block.length; length++) {
        expect(parseHandOver(block.subarray(0, length)).state).toBe('more')
      }
    }),
    { numRuns: 50 },
  )
})

test.each([
  ['EHLO client.test\r\n'],
  ['123456:'],
  ['0:,'],
  ['08:smtpd/1\0,'],
  ['99999:'],
  ['8:smtpd/2\0,'],
  ['8:smtpd/1\0;'],
  ['7:smtpd/1,'],
  ['11:smtpd/1\0A=b,'],
  ['12:smtpd/1\0a=b\0,'],
  ['10:smtpd/1\0A\0,'],
])('anything else is broken: %j', (text) => {
  expect(parseHandOver(Buffer.from(text, 'latin1')).state).toBe('broken')
})

test('any bytes are decided within what a block may be', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, aBlock) => {
      const start = Buffer.concat([Buffer.from(aBlock ? '40:smtpd/1\0' : ''), bytes])
      expect(parseHandOver(Buffer.concat([start, Buffer.alloc(70_000, 0x41)])).state).not.toBe(
        'more',
      )
    }),
  )
})

test('more than the gateway would read is not written', () => {
  expect(formatHandOver(new Map([['LONG', 'x'.repeat(65_536)]]))).toBeUndefined()
})

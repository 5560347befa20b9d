import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseQmailEnvelope } from './qmail-queue-protocol.ts'

const parse = (text: string) => parseQmailEnvelope(Buffer.from(text, 'latin1'))

describe('an envelope for qmail-queue', () => {
  test('is a sender and its recipients', () => {
    expect(parse('Fa@b.test\0Tc@d.test\0Te\0\0')).toEqual({
      ok: true,
      envelope: { sender: 'a@b.test', recipients: ['c@d.test', 'e'] },
    })
    expect(parse('F\0T#@[]\0\0')).toMatchObject({ envelope: { sender: '', recipients: ['#@[]'] } })
  })

  test('may have no recipients', () => {
    expect(parse('Fa@b.test\0\0')).toMatchObject({ ok: true, envelope: { recipients: [] } })
  })

  test.each([
    ['', 54],
    ['Fa', 54],
    ['Fa\0', 54],
    ['Fa\0Tb\0', 54],
    ['Fa\0Tb', 54],
    ['\0', 91],
    ['Ta\0\0', 91],
    ['Fa\0Fb\0\0', 91],
    ['Fa\0b\0\0', 91],
    [`F${'a'.repeat(1_003)}\0\0`, 11],
    [`Fa\0T${'a'.repeat(1_003)}`, 11],
  ])('that is wrong is answered by its exit code: %j', (text, exit) => {
    expect(parse(text)).toEqual({ ok: false, exit })
  })

  test('with addresses of 1,002 bytes is fine', () => {
    expect(parse(`F${'a'.repeat(1_002)}\0T${'b'.repeat(1_002)}\0\0`).ok).toBe(true)
  })

  test('of any addresses is read as it was written, and any bytes have an answer', () => {
    const address = fc
      .string({ unit: 'binary-ascii', maxLength: 30 })
      .map((text) => text.replaceAll('\0', ''))
    fc.assert(
      fc.property(address, fc.array(address), (sender, recipients) => {
        const text = `F${sender}\0${recipients.map((to) => `T${to}\0`).join('')}\0`
        expect(parse(text)).toEqual({ ok: true, envelope: { sender, recipients } })
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const parsed = parseQmailEnvelope(bytes)
        expect(parsed.ok || [11, 54, 91].includes(parsed.exit)).toBe(true)
      }),
    )
  })
})

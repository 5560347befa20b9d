import { describe, expect, test } from 'vitest'
import type { JsonObject } from 'postern/plugin'
import { pluginUnderTest } from 'postern/testkit'
import { mimeLimits } from './mime-limits.ts'

const ask = (message: string, options: JsonObject = {}, environment = {}) =>
  pluginUnderTest(mimeLimits, { options, environment }).message(message)

const parts = (count: number): string =>
  `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(count)}--b--\r\n`
const levels = (count: number): string =>
  `${'Content-Type: message/rfc822\r\n\r\n'.repeat(count)}Subject: x\r\n\r\ny`

const limited = { verdict: 'reject', status: '5.6.0', reason: 'MIME_LIMIT' }

describe('mime-limits', () => {
  test('passes what is within bounds', async () => {
    expect(await ask(parts(499))).toEqual({ verdict: 'pass' })
    expect(await ask(levels(20))).toEqual({ verdict: 'pass' })
  })

  test('passes a message that is forwarded in base64, whatever its length', async () => {
    const inner = Buffer.from(`Subject: x\r\n\r\n${'text\r\n'.repeat(200_000)}`).toString('base64')
    const lines = inner.replaceAll(/.{76}/g, '$&\r\n')
    const type = 'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64'
    const forwarded = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${type}\r\n\r\n${lines}\r\n--b--\r\n`
    expect(await ask(forwarded)).toEqual({ verdict: 'pass' })
  })

  test('refuses what says what it is more often than anybody reads', async () => {
    const harmless = 'Content-Type: text/plain\r\n'.repeat(8)
    const hidden = `${harmless}Content-Type: multipart/mixed; boundary=x\r\n\r\ny`
    expect(await ask(hidden)).toMatchObject(limited)
    const many = Array.from({ length: 101 }, (_, n) => `a${n}=b;`).join('')
    const name = `Content-Disposition: attachment;${many}filename="evil.js"\r\n\r\ny`
    expect(await ask(name)).toMatchObject(limited)
  })

  test('refuses a message of too many parts, or levels', async () => {
    expect(await ask(parts(500))).toMatchObject({
      ...limited,
      text: expect.stringContaining('more than 500 parts'),
    })
    expect(await ask(levels(21))).toMatchObject({
      ...limited,
      text: expect.stringContaining('more than 20 levels'),
    })
    expect(await ask(parts(3), { parts: 3 })).toMatchObject(limited)
  })

  test.each([
    ['100,000 parts', parts(100_000)],
    ['10,000 levels', levels(10_000)],
    ['1 MB of header', `X: ${'a'.repeat(1_048_576)}\r\n\r\nx`],
    ['a million boundaries', parts(0) + '--bc\r\n'.repeat(1_000_001)],
  ])('refuses %s, of which only a beginning is read', async (_, message) => {
    expect(await ask(message)).toMatchObject(limited)
  })

  test('does what the operator says instead', async () => {
    expect(await ask(parts(500), { over: 'quarantine' })).toMatchObject({
      verdict: 'quarantine',
      reason: 'MIME_LIMIT',
    })
    expect(await ask(parts(500), { over: 'tag' })).toMatchObject({
      verdict: 'pass',
      headerEdits: [{ value: 'structure' }],
    })
  })

  test('bounds the size too, for a client by DATABYTES', async () => {
    const large = `Subject: x\r\n\r\n${'x'.repeat(2000)}`
    const refused = { verdict: 'reject', status: '5.3.4', reason: 'MESSAGE_TOO_LARGE' }
    expect(await ask(large, { size: 1000 })).toMatchObject(refused)
    expect(await ask(large, {}, { DATABYTES: '1000' })).toMatchObject(refused)
    expect(await ask(large, { size: 3000 })).toEqual({ verdict: 'pass' })
  })
})

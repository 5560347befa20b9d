import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyHeaderEdits } from '../mail/header-edits.ts'
import { parseHeader } from '../mail/header.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { entryEdits, type Entering } from './entry-edits.ts'

const at = Date.UTC(2026, 10, 21, 8, 10, 12)

/** The header as it leaves, one field a line, folds undone. */
function entered(text: string, options: Partial<Entering> = {}): string[] {
  const message = memoryMessage(text)
  const bytes = Buffer.from(text, 'latin1')
  const head = options.head ?? bytes
  const facts = { message, head, hostname: 'mx.test', completes: false, id: 's-1.1', at }
  const edits = entryEdits({ ...facts, ...options })
  const header = parseHeader(applyHeaderEdits(bytes.subarray(0, message.bodyOffset), edits))
  return header.fields.map(({ name, value }) => `${name}: ${value}`)
}

describe('Authentication-Results that claim to be ours', () => {
  test('go from wherever they stand; those of others stay', () => {
    expect(
      entered(
        'Authentication-Results: mx.test; spf=pass\r\n' +
          'Authentication-Results: other.test; spf=fail\r\n' +
          'Subject: x\r\n' +
          'AUTHENTICATION-results : (c)\r\n (d) MX.TEST\r\n 1; dkim=pass\r\n' +
          'Authentication-Results: "mx.test"; dmarc=pass\r\n' +
          'ARC-Authentication-Results: i=1; mx.test; spf=pass\r\n' +
          'X-Authentication-Results: mx.test; spf=pass\r\n\r\nbody\r\n',
      ),
    ).toEqual([
      'Authentication-Results: other.test; spf=fail',
      'Subject: x',
      'ARC-Authentication-Results: i=1; mx.test; spf=pass',
      'X-Authentication-Results: mx.test; spf=pass',
    ])
  })

  test('go in any number', () => {
    for (const count of [1, 19, 20, 21, 500]) {
      const forged = 'Authentication-Results: mx.test; spf=pass\r\n'.repeat(count)
      expect(entered(`${forged}Subject: x\r\n\r\n`)).toEqual(['Subject: x'])
    }
  })

  test('go from a header that we saw only in part, with those of others: none is trusted that was not read', () => {
    const text =
      'Authentication-Results: other.test; spf=fail\r\nSubject: x\r\n' +
      'Authentication-Results: mx.test; spf=pass\r\n\r\nbody\r\n'
    expect(entered(text, { head: Buffer.from(text.slice(0, 70)) })).toEqual(['Subject: x'])
  })

  test('go from a message that is all header', () => {
    expect(entered('Subject: x\r\nAuthentication-Results: mx.test; none')).toEqual(['Subject: x'])
  })

  test('never come through, and nothing else is lost', () => {
    const line = fc.constantFrom(
      'Authentication-Results: mx.test; spf=pass',
      'authentication-results:\r\n (mx) mx.test;',
      'Authentication-Results: other.test; none',
      'Authentication-Results:',
      'Subject: mx.test',
      'no field',
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const left = entered(`${lines.map((each) => `${each}\r\n`).join('')}\r\nbody`)
        const isKept = (each: string) => /^(?:Auth.*other|Subject|no)/.test(each)
        expect(left.length).toBe(lines.filter(isKept).length)
        expect(left.every((each) => isKept(each.replace(/^: /, '')))).toBe(true)
      }),
    )
  })
})

describe('what a submitted message lacks', () => {
  const completes = true

  test('is added above it', () => {
    expect(entered('Subject: x\r\n\r\nbody', { completes })).toEqual([
      'Date: Sat, 21 Nov 2026 08:10:12 +0000',
      `Message-ID: <${at.toString(36)}.s-1.1@mx.test>`,
      'Subject: x',
    ])
  })

  test('is left alone where it is there, however it is spelled', () => {
    const whole = 'DATE : yesterday\r\nmessage-id: <x@y>\r\n\r\nbody'
    expect(entered(whole, { completes })).toEqual(['DATE: yesterday', 'message-id: <x@y>'])
    expect(entered('Date: now\r\n\r\nMessage-ID: <in@body>', { completes })).toHaveLength(2)
  })

  test('is looked for in the whole header, however long that is', () => {
    const text = `X: ${'x'.repeat(100)}\r\nDate: now\r\n\r\n`
    const names = entered(text, { completes, head: Buffer.from(text.slice(0, 50)) })
    expect(names.filter((field) => field.startsWith('Date'))).toEqual(['Date: now'])
    expect(names.filter((field) => field.startsWith('Message-ID'))).toHaveLength(1)
  })

  test('is not added elsewhere', () => {
    expect(entered('Subject: x\r\n\r\nbody')).toEqual(['Subject: x'])
  })
})

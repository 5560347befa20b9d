import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseHeader } from './header.ts'
import { longestMessageId, messageIdOf, normalMessageId } from './message-id.ts'

test('the id is found in any case, folded, and without its brackets', () => {
  const head = (field: string): Buffer =>
    Buffer.from(`Subject: a\r\n${field}\r\nTo: b\r\n\r\nMessage-ID: <body@x>`)
  for (const field of [
    'Message-ID: <a@b>',
    'message-id:<a@b>',
    'MESSAGE-ID:\r\n <a@b>',
    'Message-Id : a@b ',
    'Message-ID: <a@b> (one)',
  ]) {
    expect(messageIdOf(head(field))).toBe('a@b')
  }
  for (const field of [
    'Message-ID:',
    'X-Message-ID: <a@b>',
    'Message-IDs: <a@b>',
    'Subject: b\r\n message-id: <a@b>',
  ]) {
    expect(messageIdOf(head(field))).toBeUndefined()
  }
})

test('an id of any length is cut to what is searched for', () => {
  const long = 'x'.repeat(100_000)
  const id = messageIdOf(Buffer.from(`Message-ID: <${long}>\r\n\r\n`))
  expect(id?.length).toBeLessThanOrEqual(longestMessageId)
  expect(normalMessageId(`<${long}>`)).toHaveLength(longestMessageId)
})

test('of any bytes it says the same as the parser of headers, and never throws', () => {
  const line = fc.oneof(
    fc.constantFrom(
      'Message-ID: <a@b>\r\n',
      'message-id : c\r\n',
      ' folded\r\n',
      'To: x\r\n',
      '\r\n',
    ),
    fc.string({ maxLength: 20 }),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const head = Buffer.from(lines.join(''), 'latin1')
      const value = parseHeader(head).fields.find(
        ({ name }) => name.toLowerCase() === 'message-id',
      )?.value
      expect(messageIdOf(head)).toBe(value === undefined ? undefined : normalMessageId(value))
    }),
  )
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { automaticReply, silenceFor } from './automatic-reply.ts'
import { readMessage } from './inject/header-lines.ts'

const reply = { to: 'alice@x', from: 'joe@y', text: 'Away.\n', quote: true }
const fieldsOf = (header: string) => readMessage(`${header}\n\n`).fields

describe('an automatic reply', () => {
  test('quotes the plain text of a message in parts, and no attachment', () => {
    const original = [
      'Subject: hi',
      'Content-Type: multipart/mixed;',
      ' boundary="=_b"',
      '',
      'This is MIME.',
      '--=_b',
      'Content-Type: text/html',
      '',
      '<p>no</p>',
      '--=_b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'yes',
      '--=_b--',
      '',
    ].join('\n')
    expect(automaticReply(reply, original)).toBe(
      'Delivered-To: Autoresponder\nTo: alice@x\nAuto-Submitted: auto-replied\nFrom: joe@y\n' +
        'Subject: Re: hi\n\nAway.\n\n-------- Original Message --------\n\n> yes\n\n\n',
    )
  })

  test('takes the header that its owner wrote', () => {
    const text = 'From: Joe <joe@y>\nSubject: Away\n\nUntil May.\n'
    expect(automaticReply({ ...reply, text, quote: false }, 'Subject: hi\n\nx\n')).toBe(
      'Delivered-To: Autoresponder\nTo: alice@x\nAuto-Submitted: auto-replied\n' +
        `X-Original-From: joe@y\nX-Original-Subject: Re: hi\n${text}\n\n\n`,
    )
  })

  test('has one header, whatever it answers', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '\n', ':', ' ', '-', '"') }),
        (original) => {
          const { fields } = readMessage(automaticReply(reply, original))
          expect(fields.map(({ name }) => name)).toEqual([
            'delivered-to',
            'to',
            'auto-submitted',
            'from',
            'subject',
          ])
        },
      ),
    )
  })

  test.each([
    ['', 'Subject: x'],
    ['MAILER-DAEMON@x', 'Subject: x'],
    ['#@[]', 'Subject: x'],
    ['alice', 'Subject: x'],
    ['alice@x', 'Precedence: Bulk'],
    ['alice@x', 'List-Id: <l.x>'],
    ['alice@x', 'Auto-Submitted: auto-generated'],
  ])('goes not to %j with %j', (sender, header) => {
    expect(silenceFor(sender, fieldsOf(header))).toMatchObject({ loop: false })
  })

  test('goes to persons', () => {
    expect(silenceFor('alice@x', fieldsOf('Auto-Submitted: no'))).toBeUndefined()
    expect(silenceFor('alice@x', fieldsOf('Delivered-To: joe@y'))).toBeUndefined()
  })
})

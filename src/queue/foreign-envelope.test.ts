import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseMailbox } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import { foreignEnvelope } from './foreign-envelope.ts'

const bob = { localPart: 'bob', domain: 'here.test' }

function envelope(of: Partial<Envelope>): Envelope {
  return {
    reversePath: null,
    recipients: [{ mailbox: bob }],
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
    ...of,
  }
}

test('another user says who sends to whom and that it must go by TLS, and nothing else', () => {
  const given = envelope({
    reversePath: { localPart: 'ann', domain: 'there.test' },
    recipients: [{ mailbox: bob, notify: ['never'], originalRecipient: 'rfc822;x' }],
    requireTls: true,
    user: '#@[]',
    envelopeId: 'x',
    origin: { address: '192.0.2.1', port: 25, protocol: 'SMTP' },
  })
  expect(foreignEnvelope(given, 1234)).toEqual(
    envelope({
      reversePath: { localPart: 'ann', domain: 'there.test' },
      user: 'uid 1234',
      requireTls: true,
    }),
  )
})

test('a list may have a reverse-path for each recipient', () => {
  const list = { localPart: 'list-@here.test-', domain: '[]' }
  expect(foreignEnvelope(envelope({ reversePath: list }), 1)?.reversePath).toEqual(list)
})

test('no address gets in that could not have come by SMTP', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a\r\nQUIT', 'a>', '"', '\0'),
  )
  fc.assert(
    fc.property(text, text, (localPart, domain) => {
      const mailbox = { localPart, domain }
      const found = foreignEnvelope(envelope({ recipients: [{ mailbox }] }), 1)
      if (found === undefined) return
      expect(/\p{Cc}/u.test(localPart + domain)).toBe(false)
      expect(parseMailbox(`x@${domain}`, { smtputf8: true })).toBeDefined()
    }),
  )
  const mailbox = { localPart: 'a>\r\nRCPT TO:<b', domain: 'here.test' }
  expect(foreignEnvelope(envelope({ recipients: [{ mailbox }] }), 1)).toBeUndefined()
  expect(foreignEnvelope(envelope({ reversePath: mailbox }), 1)).toBeUndefined()
})

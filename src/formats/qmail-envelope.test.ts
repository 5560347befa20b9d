import { expect, test } from 'vitest'
import { formatPlainAddress } from './qmail-address.ts'
import { envelopeOfQmail } from './qmail-envelope.ts'

function recipientsOf(...recipients: readonly string[]): unknown {
  const envelope = envelopeOfQmail({ sender: 'a@b.test', recipients }, 'here.test')
  return typeof envelope === 'string' ? envelope : envelope.recipients.map(({ mailbox }) => mailbox)
}

test('addresses have no quotes: what qmail would deliver to is what is meant', () => {
  const [plain, blank, quoted] = ['joe', 'j o@b.test', '"j"@b.test']
  expect(recipientsOf(plain, blank, quoted)).toEqual([
    { localPart: 'joe', domain: 'here.test' },
    { localPart: 'j o', domain: 'b.test' },
    { localPart: '"j"', domain: 'b.test' },
  ])
})

test('a recipient that is no mail address does not keep the others from their mail', () => {
  expect(recipientsOf('no\nline@b.test', 'bob@b.test', 'alice@', '')).toEqual([
    { localPart: 'no_line@b.test', domain: '[]' },
    { localPart: 'bob', domain: 'b.test' },
    { localPart: 'alice@', domain: '[]' },
    { localPart: '', domain: 'here.test' },
  ])
})

test('the sender of a double bounce is the null reverse-path, and is known again', () => {
  const envelope = envelopeOfQmail({ sender: '#@[]', recipients: ['bob@b.test'] }, 'here.test')
  expect(envelope).toMatchObject({ reversePath: null, user: '#@[]' })
  expect(formatPlainAddress({ localPart: '#', domain: '[]' })).toBe('#@[]')
})

test('a sender that is no mail address is said', () => {
  const envelope = envelopeOfQmail({ sender: 'no@', recipients: ['bob@b.test'] }, 'here.test')
  expect(envelope).toBe('the sender is no mail address: no@')
})

import { expect, test } from 'vitest'
import { describeRecord } from './describe-record.ts'
import { textTerm } from './terms.ts'

test('a message to more recipients than are indexed is found by its client and its outcome', () => {
  const addresses = Array.from({ length: 4000 }, (_, n) => `u@d${n}.test`)
  const terms = describeRecord({
    id: 't1',
    session: 's1',
    end: 'committed',
    remote: '192.0.2.1:40000',
    user: 'ann',
    reasons: ['ODD'],
    recipients: addresses.map((address) => [address, 1]),
  })
  expect(terms).toContainEqual(textTerm('user', 'ann'))
  expect(terms).toContainEqual(textTerm('reason', 'ODD'))
  expect(terms).toContainEqual(textTerm('outcome', 'accepted'))
  expect(terms).toContainEqual(textTerm('recipient', 'u@d0.test'))
  expect(terms.length).toBeLessThanOrEqual(5001)
})

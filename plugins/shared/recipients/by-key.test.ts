import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { answersByRecipient, groupedByKey } from './by-key.ts'

const recipient = (localPart: string) => ({ mailbox: { localPart, domain: 'postern.test' } })

describe('recipients that share a key', () => {
  test('are asked about together, the others beyond the limit without a key', () => {
    const recipients = ['a', 'b', 'a', 'c', 'b'].map(recipient)
    expect(groupedByKey(recipients, ({ mailbox }) => mailbox.localPart, { most: 2 })).toEqual([
      { key: 'a', recipients: [0, 2] },
      { key: 'b', recipients: [1, 4] },
      { key: undefined, recipients: [3] },
    ])
  })

  test('of whom nothing is asked is in no group, and keeps what is said of the others', () => {
    const recipients = ['a', 'b', 'a'].map(recipient)
    const asked = [false, true, true]
    const groups = groupedByKey(recipients, ({ mailbox }) => mailbox.localPart, { most: 2, asked })
    expect(groups).toEqual([
      { key: 'b', recipients: [1] },
      { key: 'a', recipients: [2] },
    ])
    expect(answersByRecipient(groups, ['B', 'A'], ['-', '-', '-'])).toEqual(['-', 'B', 'A'])
  })

  test('every recipient gets the answer of its group', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd')), fc.nat(5), (names, most) => {
        const groups = groupedByKey(names.map(recipient), ({ mailbox }) => mailbox.localPart, {
          most,
        })
        const answers = groups.map(({ key }) => key ?? 'others')
        const told = answersByRecipient(
          groups,
          answers,
          names.map(() => 'nobody'),
        )
        expect(told).toHaveLength(names.length)
        for (const [index, name] of names.entries()) expect([name, 'others']).toContain(told[index])
        expect(new Set(told.filter((each) => each !== 'others')).size).toBeLessThanOrEqual(most)
      }),
    )
  })
})

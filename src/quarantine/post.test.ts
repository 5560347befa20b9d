import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { post } from './post.ts'

test.each([
  ['Gewinn', '7bit', 'Gewinn\r\n'],
  ['Grüße', 'quoted-printable', 'Gr=C3=BC=C3=9Fe\r\n'],
])('a letter that says %s is one that every next hop takes', async (line, encoding, body) => {
  const clock = fakeClock()
  const queue = memoryQueue(clock)
  const mailbox = { localPart: 'ann', domain: 'here.test' }
  const letter = { hostname: 'mx.test', from: mailbox, to: mailbox, subject: line } as const
  await post(
    { queue, clock, random: seededRandom(1) },
    { ...letter, text: [line], kind: 'auto-generated' },
  )
  const [{ message, placement } = expect.fail()] = queue.commits
  expect(message.header.first('Content-Transfer-Encoding')).toBe(encoding)
  expect(message.text).toMatch(new RegExp(`\r\n\r\n${body}$`))
  expect(message.eightBit).toBe(false)
  expect(placement.envelope.bodyType).toBe('7bit')
})

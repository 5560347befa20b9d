/** However a message ends, an LMTP client hears of each recipient once, and nobody gets what was refused. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { passRuling, type ObjectionRuling, type Ruling } from '../mail/ruling.ts'
import { placementOf, scriptedPolicy } from '../testkit/scripted-policy.ts'
import { settled, smtpStage } from '../testkit/smtp-stage.ts'
import type { SessionPolicy } from './policy.ts'

const rejected = (text: string, close = false): ObjectionRuling => {
  return { ruling: 'reject', status: '5.2.0', text, close }
}
const deferred: ObjectionRuling = { ruling: 'defer', status: '4.2.0', text: 'Later', close: true }

/** What the policy says of each RCPT, and of each recipient after the message. */
const recipients = fc.array(
  fc.record({
    accepted: fc.boolean(),
    ruling: fc.constantFrom<Ruling>(passRuling, rejected('No'), rejected('No, go', true), deferred),
  }),
  { maxLength: 6 },
)
const ends = fc.constantFrom('each', 'commit', 'reject', 'throw', 'too big', 'disk full')

const ehlo = (protocol: string): string => (protocol === 'lmtp' ? 'LHLO' : 'EHLO')

test.each(['lmtp', 'smtp'] as const)('by %s', async (protocol) => {
  await fc.assert(
    fc.asyncProperty(recipients, ends, async (planned, end) => {
      const accepted = planned.filter((each) => each.accepted)
      const policy = scriptedPolicy({
        rcpt: ({ recipient }) =>
          planned[Number(recipient.mailbox.localPart)]?.accepted === true
            ? passRuling
            : rejected('No such user'),
        message: messageHook(
          accepted.map(({ ruling }) => ruling),
          end,
        ),
      })
      const maxMessageBytes = end === 'too big' ? 1 : 0
      const more = { protocol, prdr: protocol === 'smtp', maxMessageBytes }
      policy.settings = { ...policy.settings, ...more }
      const stage = await smtpStage({ policy })
      if (end === 'disk full') stage.queue.refuseNextCommit('DISK_FULL')
      const client = await stage.dial()
      const prdr = protocol === 'smtp' ? ' PRDR' : ''
      client.send(`${ehlo(protocol)} c\r\nMAIL FROM:<>${prdr}\r\n`)
      for (const index of planned.keys()) client.send(`RCPT TO:<${index}@mx.test>\r\n`)
      client.send('DATA\r\n')
      for (let count = 0; count < planned.length + 4; count++) await client.reply()
      if (accepted.length === 0) return
      client.send('text\r\n.\r\n')
      await settled()
      const said = client.unread.split('\r\n').filter((line) => line !== '')
      const each = said[0]?.startsWith('353') === true ? said.slice(1, -1) : said
      const heard = protocol === 'lmtp' || said.length > 1 ? accepted.length : 1
      expect(each).toHaveLength(heard)
      // Who heard 250 is in what was committed, and nobody else.
      const taken = stage.queue.commits.flatMap(({ placement }) => placement.envelope.recipients)
      const promised = said.length === 1 ? accepted.map(() => said[0]) : each
      expect(taken).toHaveLength(promised.filter((reply) => reply?.startsWith('250')).length)
      // The session ends with a reply only where a ruling says so, and never before the last of them.
      expect(client.closed).toBe(each.some((reply) => /go|Later/.test(reply)))
      expect(stage.queue.openDrafts).toBe(0)
    }),
    { numRuns: 150 },
  )
})

function messageHook(rulings: readonly Ruling[], end: string): SessionPolicy['message'] {
  return ({ transaction }) => {
    const whole = { ruling: 'commit', placements: [placementOf(transaction)] } as const
    if (end === 'throw') throw new Error('a bug in the policy')
    if (end === 'reject') return rejected('Not this message')
    const objections = rulings.filter((ruling) => ruling.ruling !== 'pass')
    if (end !== 'each' || objections.length === 0) return whole
    const passing = transaction.recipients.filter((_, i) => rulings[i]?.ruling === 'pass')
    const [first = rejected('')] = objections
    const placements = [placementOf({ ...transaction, recipients: passing })] as const
    return {
      ruling: 'each',
      recipients: rulings,
      whole: passing.length > 0 ? { ruling: 'commit', placements } : first,
    }
  }
}

/** Recipients that are not wanted, by control/badrcptto and control/badrcpttonorelay. */
import { definePlugin, formatMailbox, pass, reject } from 'postern/plugin'
import { badListOptions, followBadLists } from '../shared/bad-list/bad-lists.ts'

export const badrcptto = definePlugin({
  name: 'badrcptto',
  summary: 'Refuses recipients that stand in control/badrcptto.',
  options: badListOptions('badrcptto'),
  setup(files, { log }) {
    const find = followBadLists(files, log)
    return {
      rcpt({ transaction: { session }, recipient }, { findings }) {
        const pattern = find(formatMailbox(recipient.mailbox), session, findings)
        if (pattern === undefined) return pass()
        return reject('5.7.1', 'sorry, your envelope recipient has been denied', {
          reason: 'BADRCPTTO',
          evidence: { pattern },
        })
      },
    }
  },
})

/** Senders that are not wanted, by qmail's control/badmailfrom and control/badmailfromnorelay. */
import { definePlugin, formatMailbox, pass, reject } from 'postern/plugin'
import { badListOptions, followBadLists } from '../shared/bad-list/bad-lists.ts'

export const badmailfrom = definePlugin({
  name: 'badmailfrom',
  summary: 'Refuses envelope senders that stand in control/badmailfrom.',
  defaults: { refuseAt: 'rcpt' },
  options: badListOptions('badmailfrom'),
  setup(files, { log }) {
    const find = followBadLists(files, log)
    return {
      mail({ session, reversePath }, { findings }) {
        if (reversePath === null) return pass()
        const pattern = find(formatMailbox(reversePath), session, findings)
        if (pattern === undefined) return pass()
        return reject('5.7.1', 'sorry, your envelope sender has been denied', {
          reason: 'BADMAILFROM',
          evidence: { pattern },
        })
      },
    }
  },
})

/** Senders that are not wanted, by qmail's control/badmailfrom and control/badmailfromnorelay. */
import { definePlugin, formatMailbox, option, pass, reject, relayClient } from 'postern/plugin'
import { followBadList } from '../shared/bad-list/bad-list.ts'

export const badmailfrom = definePlugin({
  name: 'badmailfrom',
  summary: 'Refuses envelope senders that stand in control/badmailfrom.',
  defaults: { refuseAt: 'rcpt' },
  options: {
    file: option.file({ default: 'control/badmailfrom' }),
    norelay: option.file({
      default: 'control/badmailfromnorelay',
      description: 'The same, not asked about logins and clients that may relay.',
    }),
    dialect: option.choice(['qmail', 'jms'], {
      default: 'qmail',
      description: 'Addresses and @host; or extended expressions, turned round by !',
    }),
  },
  setup({ file, norelay, dialect }, { log }) {
    const always = followBadList(file, dialect, log)
    const strangers = followBadList(norelay, dialect, log)
    return {
      mail({ session, reversePath }, { findings }) {
        if (reversePath === null) return pass()
        const address = formatMailbox(reversePath)
        const isStranger = session.user === undefined && findings.get(relayClient) === undefined
        const pattern =
          always.current.find(address) ?? (isStranger ? strangers.current.find(address) : undefined)
        if (pattern === undefined) return pass()
        return reject('5.7.1', 'sorry, your envelope sender has been denied', {
          reason: 'BADMAILFROM',
          evidence: { pattern },
        })
      },
    }
  },
})

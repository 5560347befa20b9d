/** Recipients that are not wanted, by control/badrcptto and control/badrcpttonorelay. */
import { definePlugin, formatMailbox, option, pass, reject, relayClient } from 'postern/plugin'
import { followBadList } from '../shared/bad-list/bad-list.ts'

export const badrcptto = definePlugin({
  name: 'badrcptto',
  summary: 'Refuses recipients that stand in control/badrcptto.',
  options: {
    file: option.file({ default: 'control/badrcptto' }),
    norelay: option.file({
      default: 'control/badrcpttonorelay',
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
      rcpt({ transaction: { session }, recipient }, { findings }) {
        const address = formatMailbox(recipient.mailbox)
        const isStranger = session.user === undefined && findings.get(relayClient) === undefined
        const pattern =
          always.current.find(address) ?? (isStranger ? strangers.current.find(address) : undefined)
        if (pattern === undefined) return pass()
        return reject('5.7.1', 'sorry, your envelope recipient has been denied', {
          reason: 'BADRCPTTO',
          evidence: { pattern },
        })
      },
    }
  },
})

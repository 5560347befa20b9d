/** Names in HELO and EHLO that are not wanted, by control/badhelo. */
import { definePlugin, option, pass, reject, type Option } from 'postern/plugin'
import { followBadList } from '../shared/bad-list/bad-list.ts'

/** As in the qmail world: the variable counts when it is set, whatever it says. */
function present(flag: Option<boolean>): Option<boolean> {
  return { ...flag, fromText: () => ({ ok: true, value: true }) }
}

export const badhelo = definePlugin({
  name: 'badhelo',
  summary: 'Refuses clients whose HELO name stands in control/badhelo.',
  defaults: { refuseAt: 'rcpt' },
  options: {
    file: option.file({ default: 'control/badhelo' }),
    dialect: option.choice(['qmail', 'jms'], {
      default: 'jms',
      description: 'Extended expressions, turned round by !; or plain names.',
    }),
    off: present(
      option.boolean({
        default: false,
        env: 'NOBADHELO',
        description: 'Not asked about this client.',
      }),
    ),
  },
  setup({ file, dialect }, { log }) {
    const list = followBadList(file, dialect, log)
    return {
      hello({ session }, { options }) {
        const pattern = options.off ? undefined : list.current.find(session.hello?.name ?? '')
        if (pattern === undefined) return pass()
        return reject('5.7.1', 'sorry, your HELO host name has been denied', {
          reason: 'BADHELO',
          evidence: { pattern, hello: (session.hello?.name ?? '').slice(0, 255) },
        })
      },
    }
  },
})

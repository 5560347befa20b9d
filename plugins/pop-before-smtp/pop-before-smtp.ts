/**
 * POP before SMTP (vpopmail's open-smtp): whoever has logged in to fetch their mail may relay from the same address for a
 * while. For clients that cannot log in to send, and for nobody else: an address may be shared by many.
 */
import {
  accept,
  definePlugin,
  findLogin,
  finding,
  isPosternError,
  option,
  pass,
  relayClient,
} from 'postern/plugin'

const mostAddresses = 100_000

export const popBeforeSmtp = definePlugin({
  name: 'pop-before-smtp',
  summary: 'Lets clients relay for a while after they have logged in to fetch mail.',
  vouches: 'relay',
  options: {
    listeners: option.strings({
      default: ['pop3', 'pop3s'],
      description: 'Names of listeners at which a login counts: those with role pop3 or pop3s.',
    }),
    lifetime: option.duration({
      default: '30m',
      description: 'So long the address may relay; each login begins it anew.',
    }),
  },
  provides: [relayClient],
  setup({ listeners, lifetime }, { accounts, clock, store, log }) {
    const table = store.table('addresses', { maxEntries: mostAddresses })
    const counts = new Set(listeners)
    return {
      // At a POP3 listener, and a while ago: for the proof they are logins.
      vouching: () => ({ logins: true }),
      async loginEnded({ session, user, outcome }) {
        const { address } = session.remote
        if (outcome !== 'accepted' || !counts.has(session.listener) || address === 'unix') return
        try {
          const account = await findLogin(accounts, user)
          if (account?.flags?.has('no-smtp') === true) return
          const until = clock.now() + lifetime
          await table.put(address, until, until)
        } catch (error) {
          if (!isPosternError(error)) throw error
          log.warn('pop-before-smtp.not-kept', { session: session.id, error: error.message })
        }
      },
      async connect({ session }, { signal }) {
        const until = await table.get(session.remote.address, signal)
        return typeof until === 'number' && until > clock.now()
          ? pass({ findings: [finding(relayClient, { because: 'POP before SMTP' })] })
          : pass()
      },
      rcpt(_event, { findings }) {
        const { because } = findings.get(relayClient) ?? {}
        return because === 'POP before SMTP' ? accept({ reason: 'POP_BEFORE_SMTP' }) : pass()
      },
    }
  },
})

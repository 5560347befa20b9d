/**
 * Who may send to anywhere: clients by a tcp.smtp rule that sets RELAYCLIENT, or by their network, and who logged in.
 * It reports the fact (`relayClient`, read by the condition `relay_client`) and vouches for their
 * recipients; other plugins' objections still win.
 */
import {
  accept,
  definePlugin,
  finding,
  option,
  pass,
  relayClient,
  type EnvelopeEdit,
  type Recipient,
} from 'postern/plugin'

export const relayClients = definePlugin({
  name: 'relay-clients',
  summary: 'Lets clients relay by RELAYCLIENT (tcp.smtp), by their network or by a login.',
  vouches: 'relay',
  variables: { RELAYCLIENT: 'The client may relay; the value is appended to each recipient.' },
  options: {
    networks: option.networks({
      default: [],
      description: 'Addresses and networks whose hosts may relay.',
    }),
    logins: option.boolean({ default: true, description: 'Who has logged in may relay.' }),
  },
  provides: [relayClient],
  setup: ({ networks, logins }) => ({
    vouching: () => ({ networks: networks.list, logins, variable: 'RELAYCLIENT' }),
    connect({ session }, { options }) {
      const suffix = session.environment.variables.get('RELAYCLIENT')
      if (suffix !== undefined) {
        return pass({ findings: [finding(relayClient, { because: session.environment.source })] })
      }
      return options.networks.has(session.remote.address)
        ? pass({ findings: [finding(relayClient, { because: 'option networks' })] })
        : pass()
    },
    rcpt({ transaction: { session }, recipient }, { findings, options }) {
      // Asked anew: a login may have brought RELAYCLIENT since the connection was made.
      const suffix = session.environment.variables.get('RELAYCLIENT')
      if (suffix === undefined && findings.get(relayClient) === undefined) {
        const known = options.logins && session.user !== undefined
        return known ? accept({ reason: 'LOGIN' }) : pass()
      }
      return suffix === undefined || suffix === ''
        ? accept({ reason: 'RELAY_CLIENT' })
        : accept({ reason: 'RELAY_CLIENT', envelopeEdits: [appendTo(recipient, suffix)] })
    },
  }),
})

/** qmail appends the value of RELAYCLIENT to the address as it stands: `k@l` and `@fix` make `k@l@fix`. */
function appendTo(recipient: Recipient, suffix: string): EnvelopeEdit {
  const { mailbox } = recipient
  const address = `${mailbox.localPart}@${mailbox.domain}${suffix}`
  const at = address.lastIndexOf('@')
  const edited = { localPart: address.slice(0, at), domain: address.slice(at + 1) }
  return { edit: 'replaceRecipient', mailbox, by: { ...recipient, mailbox: edited } }
}

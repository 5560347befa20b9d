/**
 * `user%host@domain` means `user@host` where the domain stands in control/percenthack. With qmail anybody could relay
 * through such a domain; here the address that comes out of it must be one of ours, unless the client may relay.
 */
import {
  asciiDomain,
  definePlugin,
  mailboxKey,
  moreRcpthosts,
  option,
  parsePercentHack,
  parseRcpthosts,
  pass,
  reject,
  relayClient,
  withoutPercentSigns,
} from 'postern/plugin'

export const percenthack = definePlugin({
  name: 'percenthack',
  summary: 'Takes user%host@domain for user@host, by control/percenthack.',
  options: {
    file: option.file({
      default: 'control/percenthack',
      description: 'The domains for which a percent sign has this meaning, one a line.',
    }),
    rcpthosts: option.file({ default: 'control/rcpthosts', description: 'Our domains.' }),
    more: option.cdb({ default: 'control/morercpthosts.cdb', description: 'More of them.' }),
  },
  setup({ file, rcpthosts, more }) {
    const domains = file.follow(parsePercentHack)
    const listed = rcpthosts.follow((bytes) => parseRcpthosts(bytes).value)
    const database = moreRcpthosts(more)
    const isOurs = (domain: string): boolean =>
      (listed.current.find(domain) ?? database.find(domain)) !== undefined
    return {
      rcpt({ transaction: { session }, recipient }, { findings }) {
        const meant = withoutPercentSigns(recipient.mailbox, domains.current)
        if (meant === recipient.mailbox) return pass()
        const evidence = { recipient: mailboxKey(recipient.mailbox) }
        if (meant === undefined) {
          return reject('5.1.3', 'what the percent sign makes of this address is none', {
            reason: 'PERCENTHACK_BROKEN',
            evidence,
          })
        }
        const mayRelay = session.user !== undefined || findings.get(relayClient) !== undefined
        if (!mayRelay && !isOurs(asciiDomain(meant.domain))) {
          return reject('5.7.1', 'no relaying by a percent sign', {
            reason: 'PERCENTHACK_RELAY',
            evidence,
          })
        }
        const by = { ...recipient, mailbox: meant }
        return pass({
          reason: 'PERCENTHACK',
          evidence,
          envelopeEdits: [{ edit: 'replaceRecipient', mailbox: recipient.mailbox, by }],
        })
      },
    }
  },
})

/**
 * Takes bounces of mail that we have forwarded: to an address that SRS has made of the sender's. Such an address is
 * proven by its hash, so it is vouched for, and the bounce goes on to the sender. Whatever only looks like one is
 * refused: it would be relaying for whoever made it up.
 */
import {
  accept,
  controlLine,
  controlList,
  definePlugin,
  mailboxKey,
  option,
  pass,
  reject,
  Srs,
  type Live,
} from 'postern/plugin'

export const srs = definePlugin({
  name: 'srs',
  summary: 'Sends bounces of forwarded mail on to its sender (SRS).',
  vouches: 'local',
  options: {
    secret: option.file({
      default: 'control/srs.secret',
      description:
        'The key, made at the first forward; older ones below it are understood as well.',
    }),
    domain: option.file({
      default: 'control/srs_domain',
      description: 'The domain of rewritten addresses; control/me where there is no such file.',
    }),
    me: option.file({ default: 'control/me', description: 'Our name.' }),
    max_age_days: option.integer({
      default: 21,
      min: 1,
      max: 511,
      description: 'How long after a message its bounce may come.',
    }),
  },
  setup({ secret, domain, me, max_age_days: maxAgeDays }, { clock }) {
    const secrets = secret.follow((bytes) => controlList(bytes).map(({ text }) => text))
    const ours = [domain, me].map((file) => file.follow((bytes) => controlLine(bytes, '').value))
    const rewriting = following([secrets, ...ours], () => {
      const [first, ...older] = secrets.current
      const name = ours.map(({ current }) => current).find((each) => each !== '')
      if (first === undefined || name === undefined) return undefined
      return new Srs({ domain: name, secrets: [first, ...older], maxAgeDays })
    })
    return {
      vouching: () => ({ signed: 'addresses that this host has rewritten, for bounces alone' }),
      rcpt({ transaction: { reversePath }, recipient }) {
        const reading = rewriting()?.decode(recipient.mailbox, clock.now())
        if (reading === undefined || reading.srs === 'none') return pass()
        const evidence = { recipient: mailboxKey(recipient.mailbox) }
        if (reading.srs !== 'sender') {
          const reason = reading.srs === 'forged' ? 'SRS_FORGED' : 'SRS_EXPIRED'
          return reject('5.1.1', 'this is no address to send mail to', { reason, evidence })
        }
        // RFC 5321 §4.5.5: what is sent to a reverse-path has none itself.
        if (reversePath !== null) {
          const text = 'only notices of failures are taken for this address'
          return reject('5.7.1', text, { reason: 'SRS_NO_BOUNCE', evidence })
        }
        const by = { ...recipient, mailbox: reading.mailbox }
        return accept({
          reason: 'SRS',
          evidence: { ...evidence, sender: mailboxKey(reading.mailbox) },
          envelopeEdits: [{ edit: 'replaceRecipient', mailbox: recipient.mailbox, by }],
        })
      },
    }
  },
})

/** Made anew when what it is made of has changed. */
function following<T>(sources: readonly Live<unknown>[], make: () => T): () => T {
  let before: readonly unknown[] = []
  let made: { readonly value: T } | undefined
  return () => {
    const current = sources.map((source) => source.current)
    if (made === undefined || current.some((each, index) => each !== before[index])) {
      before = current
      made = { value: make() }
    }
    return made.value
  }
}

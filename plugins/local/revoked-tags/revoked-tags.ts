import { definePlugin, formatMailbox, option, pass, reject } from 'postern/plugin'

/** Addresses such as bob+shop@example.org that bob has given out and wants no more mail for. */
export const revokedTags = definePlugin({
  name: 'revoked-tags',
  summary: 'Refuses recipients whose tagged address has been revoked.',
  options: {
    table: option.table({
      default: 'tables/revoked-tags',
      description: 'One revoked address a line.',
    }),
    separator: option.string({ default: '+', env: 'TAGSEPARATOR' }),
  },
  setup: () => ({
    async rcpt({ recipient }, { options: { table, separator }, signal }) {
      if (!recipient.mailbox.localPart.includes(separator)) return pass()
      return (await table.has(formatMailbox(recipient.mailbox), signal))
        ? reject('5.1.1', 'This address is no longer in use', { reason: 'TAG_REVOKED' })
        : pass()
    },
  }),
})

/** Recipients that ask for a further hop in their local-part: `user%other.example@here`, `other.example!user@here`. */
import { definePlugin, option, pass, reject } from 'postern/plugin'

export const relayrej = definePlugin({
  name: 'relayrej',
  summary: 'Refuses recipients whose local-part names another host (RELAYREJ).',
  options: {
    on: option.boolean({
      default: true,
      env: 'RELAYREJ',
      description: 'Refuse such recipients.',
    }),
    characters: option.string({
      default: '@%!',
      maxLength: 16,
      description: 'Any of them in a local-part asks for a further hop.',
    }),
  },
  setup: () => ({
    rcpt({ recipient }, { options: { on, characters } }) {
      const { localPart } = recipient.mailbox
      const found = on ? characters.split('').find((each) => localPart.includes(each)) : undefined
      if (found === undefined) return pass()
      return reject('5.7.1', "we don't relay", {
        reason: 'RELAYREJ',
        evidence: { character: found },
      })
    },
  }),
})

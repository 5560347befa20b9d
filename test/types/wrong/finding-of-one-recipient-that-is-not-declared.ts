// TS2322: what is found for one recipient is declared as well
import { definePlugin, finding, findingKey, perRecipient, reject } from 'postern/plugin'

const colour = findingKey<string, 'colour'>('colour')

export const choosy = definePlugin({
  name: 'choosy',
  setup: () => ({
    message: () => perRecipient([reject('5.7.1', 'No', { findings: [finding(colour, 'red')] })]),
  }),
})

// TS2322: a finding of another key is not declared by this one
import { definePlugin, finding, findingKey, pass } from 'postern/plugin'

const colour = findingKey<string, 'colour'>('colour')
const shape = findingKey<string, 'shape'>('shape')

export const talkative = definePlugin({
  name: 'talkative',
  provides: [colour],
  setup: () => ({
    mail: async () => pass({ findings: [finding(colour, 'red'), finding(shape, 'round')] }),
  }),
})

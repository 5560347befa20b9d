// TS2345: the one that is read is not the one that it waits for
import { definePlugin, findingKey, pass } from 'postern/plugin'

const colour = findingKey<string, 'colour'>('colour')
const shape = findingKey<string, 'shape'>('shape')

export const mistaken = definePlugin({
  name: 'mistaken',
  needs: [shape],
  setup: () => ({
    rcpt: (_event, { findings }) => (findings.get(colour) === 'red' ? pass() : pass()),
  }),
})

// TS2345: at `message` a finding is there by rule only for those that wait for it; others would see it by luck
import { definePlugin, findingKey, pass } from 'postern/plugin'

const colour = findingKey<string, 'colour'>('colour')

export const curious = definePlugin({
  name: 'curious',
  setup: () => ({
    message: (_event, { findings }) => (findings.get(colour) === 'red' ? pass() : pass()),
  }),
})

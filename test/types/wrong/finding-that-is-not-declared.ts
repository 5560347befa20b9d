// TS2322: whoever reads a finding is put behind those that declare it in provides
import { definePlugin, finding, findingKey, pass } from 'postern/plugin'

const colour = findingKey<string, 'colour'>('colour')

export const secretive = definePlugin({
  name: 'secretive',
  setup: () => ({ mail: () => pass({ findings: [finding(colour, 'red')] }) }),
})

// TS2559: there is no such stage
import { definePlugin, pass } from 'postern/plugin'

export const misspelt = definePlugin({
  name: 'misspelt',
  setup: () => ({ recipient: () => pass() }),
})

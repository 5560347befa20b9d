// TS2322: a verdict is a value of its own
import { definePlugin } from 'postern/plugin'

export const terse = definePlugin({
  name: 'terse',
  setup: () => ({ mail: () => true }),
})

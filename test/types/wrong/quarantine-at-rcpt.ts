// TS2322: there is no message yet that could be held
import { definePlugin, quarantine } from 'postern/plugin'

export const hasty = definePlugin({
  name: 'hasty',
  setup: () => ({ rcpt: () => quarantine() }),
})

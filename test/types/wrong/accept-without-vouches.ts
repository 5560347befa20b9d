// TS2322: only a plugin that declares vouches may accept a recipient
import { accept, definePlugin } from 'postern/plugin'

export const usurper = definePlugin({
  name: 'usurper',
  setup: () => ({ rcpt: () => accept() }),
})

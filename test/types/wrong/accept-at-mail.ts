// TS2322: at mail there is nothing to vouch for
import { accept, definePlugin } from 'postern/plugin'

export const eager = definePlugin({
  name: 'eager',
  vouches: 'relay',
  setup: () => ({ mail: () => accept() }),
})

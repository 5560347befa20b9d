// TS2322: a plugin vouches for local recipients or for relay clients
import { definePlugin } from 'postern/plugin'

export const generous = definePlugin({
  name: 'generous',
  vouches: 'everything',
  setup: () => ({}),
})

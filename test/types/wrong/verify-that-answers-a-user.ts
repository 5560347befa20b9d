// TS2322: a back end says yes or no
import { definePlugin } from 'postern/plugin'

export const chatty = definePlugin({
  name: 'chatty',
  setup: () => ({ verify: ({ user }) => user }),
})

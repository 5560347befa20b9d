// TS2540: plugins answer, the receiver changes
import { definePlugin, pass } from 'postern/plugin'

export const meddler = definePlugin({
  name: 'meddler',
  setup: () => ({
    mail({ session }) {
      session.user = 'root'
      return pass()
    },
  }),
})

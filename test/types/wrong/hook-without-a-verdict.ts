// TS2322: a hook answers, whatever it found
import { definePlugin } from 'postern/plugin'

export const silent = definePlugin({
  name: 'silent',
  setup: () => ({
    mail() {
      return undefined
    },
  }),
})

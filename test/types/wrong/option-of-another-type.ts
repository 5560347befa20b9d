// TS2322: a duration is a number of milliseconds, not a text
import { definePlugin, option, pass } from 'postern/plugin'

export const mistaken = definePlugin({
  name: 'mistaken',
  options: { wait: option.duration({ default: '5s' }) },
  setup: () => ({
    mail(_event, { options }) {
      const wait: string = options.wait
      return pass({ reason: wait })
    },
  }),
})

// TS2339: at data there is no message to read
import { definePlugin, pass } from 'postern/plugin'

export const early = definePlugin({
  name: 'early',
  setup: () => ({
    data: ({ message }) => pass({ score: message.sizeBytes }),
  }),
})

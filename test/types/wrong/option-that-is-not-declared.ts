// TS2339: the options are those that were declared
import { definePlugin, option, pass } from 'postern/plugin'

export const careless = definePlugin({
  name: 'careless',
  options: { limit: option.integer() },
  setup: ({ maximum }) => ({ mail: () => pass({ score: maximum }) }),
})

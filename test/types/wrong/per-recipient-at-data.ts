// TS2322: only message may differ by recipient
import { definePlugin, pass, perRecipient } from 'postern/plugin'

export const choosy = definePlugin({
  name: 'choosy',
  setup: () => ({ data: () => perRecipient([pass()]) }),
})

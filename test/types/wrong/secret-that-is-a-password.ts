// TS2322: a secret says what it is: { password }, or the keys of SCRAM
import { definePlugin } from 'postern/plugin'

export const careless = definePlugin({
  name: 'careless',
  setup: () => ({ secretFor: ({ user }) => user }),
})

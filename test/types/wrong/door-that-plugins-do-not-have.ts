// TS2339: plugins have no disk
import { definePlugin } from 'postern/plugin'

export const digger = definePlugin({
  name: 'digger',
  setup(_options, { disk }) {
    return { open: () => disk.remove('/') }
  },
})

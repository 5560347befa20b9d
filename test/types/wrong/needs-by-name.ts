// TS2322: findings are needed by their key, so that renaming one is noticed
import { definePlugin } from 'postern/plugin'

export const guessing = definePlugin({ name: 'guessing', needs: ['spf'], setup: () => ({}) })

// TS2561: definitions have no such key
import { definePlugin } from 'postern/plugin'

export const misspelt = definePlugin({ name: 'misspelt', sumary: 'A plugin.', setup: () => ({}) })

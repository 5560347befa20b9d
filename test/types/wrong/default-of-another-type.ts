// TS2322: the default is written as the option is
import { option } from 'postern/plugin'

export const limit = option.integer({ default: 'many' })

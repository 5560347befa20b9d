// TS2345: a rejection is permanent; a temporary status belongs to defer
import { reject } from 'postern/plugin'

export const verdict = reject('4.7.1', 'Come back later')

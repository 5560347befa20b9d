// TS2345: a deferral is temporary; a permanent status belongs to reject
import { defer } from 'postern/plugin'

export const verdict = defer('5.7.1', 'Never come back')

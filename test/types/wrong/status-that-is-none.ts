// TS2345: a status has three numbers
import { reject } from 'postern/plugin'

export const verdict = reject('5.7', 'Refused')

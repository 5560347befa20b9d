// TS2322: a finding has the shape that its key declares
import { finding, findingKey } from 'postern/plugin'

const spf = findingKey<{ readonly result: string }, 'spf'>('spf')

export const found = finding(spf, { result: 7 })

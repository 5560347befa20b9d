// TS2322: what is read has the shape that the key declares, or is not there
import { findingKey, type Findings } from 'postern/plugin'

const hops = findingKey<number, 'hops'>('hops')

export const read = (findings: Findings): number => findings.get(hops)

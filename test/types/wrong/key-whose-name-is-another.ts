// TS2345: the name of a key is the one that its type says
import { findingKey } from 'postern/plugin'

export const colour = findingKey<string, 'colour'>('color')

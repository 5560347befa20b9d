import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../random.ts'

export const systemRandom: Random = Object.freeze({
  bytes: (length: number) => randomBytes(length),
  integer: (bound: number) => randomInt(bound),
})

import type { Random } from '../runtime/random.ts'

/** Chance that repeats itself: the same seed gives the same numbers (mulberry32). Not fit for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
    integer: (bound) => Math.floor((next() / 2 ** 32) * bound),
  }
}

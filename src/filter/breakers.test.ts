import { describe, expect, test } from 'vitest'
import type { Breaker } from './breaker.ts'
import { Breakers } from './breakers.ts'

const open = (breaker: Breaker): void => {
  while (!breaker.faulted(0));
}

describe('the breakers of an entry', () => {
  test('are one where nothing is said of what it depends on, and one where it cannot say', () => {
    const same = new Breakers<string>()
    expect(same.of('a')).toBe(same.of('b'))
    const mute = new Breakers<string>(() => {
      throw new Error('no idea')
    })
    open(mute.of('a'))
    expect(mute.of('b').state).toBe('open')
  })

  test('are one for each name, and open where one of them is', () => {
    const breakers = new Breakers<string>((name) => name)
    open(breakers.of('a'))
    expect([breakers.of('a').state, breakers.of('b').state]).toEqual(['open', 'closed'])
    expect(breakers.state).toBe('open')
  })

  test('are few: what nobody has asked for longest is forgotten', () => {
    const breakers = new Breakers<string>((name) => name)
    const [oldest, used] = [breakers.of('oldest'), breakers.of('used')]
    for (let each = 0; each < 255; each++) {
      breakers.of(`program ${each}`)
      expect(breakers.of('used')).toBe(used)
    }
    expect(breakers.of('oldest')).not.toBe(oldest)
  })
})

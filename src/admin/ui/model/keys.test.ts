import { describe, expect, test } from 'vitest'
import { readKey } from './keys.ts'

describe('a key', () => {
  test('after g goes to a page', () => {
    const { state } = readKey({}, 'g', 1000)
    expect(readKey(state, 'q', 1500).command).toEqual({ do: 'go', page: 'queue' })
  })

  test('too long after g stands for itself', () => {
    const { state } = readKey({}, 'g', 1000)
    expect(readKey(state, 'j', 2500).command).toEqual({ do: 'next' })
  })

  test('that leads nowhere after g is forgotten', () => {
    const { state } = readKey({}, 'g', 1000)
    expect(readKey(state, 'z', 1100)).toEqual({ state: {} })
  })

  test.each([
    ['/', 'search'],
    ['j', 'next'],
    ['k', 'previous'],
    ['?', 'help'],
    ['Escape', 'leave'],
  ])('%s alone means %s', (key, command) => {
    expect(readKey({}, key, 0).command).toEqual({ do: command })
  })
})

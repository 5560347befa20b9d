import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Turn, type Party } from './turn.ts'

/** Parties of one turn, and what they have done, in its order. */
function company() {
  const done: string[] = []
  let nowMs = 0
  const turn = new Turn(() => nowMs)
  const party = (name: string, takesMs = 0): Party => ({
    firstByte: name.charCodeAt(0),
    hear() {
      done.push(name)
      turn.speaks(this)
      nowMs += takesMs
    },
    send: () => void done.push(`to ${name}`),
  })
  const hears = (name: string, of: { isEnding?: boolean; takesMs?: number } = {}) =>
    turn.hears(party(name, of.takesMs), of.isEnding === true)
  return { turn, done, hears }
}

describe('a turn of the event loop', () => {
  test('takes nothing before it ends, and writes when all is taken', async () => {
    const { done, hears } = company()
    hears('A')
    hears('B')
    expect(done).toEqual([])
    await setImmediate()
    expect(done).toEqual(['A', 'B', 'to A', 'to B'])
  })

  test('takes those together who say the same, and before them those who are near their end', async () => {
    const { done, hears } = company()
    hears('RCPT 1')
    hears('MAIL 1')
    hears('text', { isEnding: true })
    hears('RCPT 2')
    hears('MAIL 2')
    await setImmediate()
    expect(done.slice(0, 5)).toEqual(['text', 'MAIL 1', 'MAIL 2', 'RCPT 1', 'RCPT 2'])
  })

  test('that is long is cut: who came late and is near the end goes first, nobody is passed by for ever', async () => {
    const { done, hears } = company()
    hears('A', { takesMs: 2 })
    hears('R')
    await setImmediate()
    expect(done).toEqual(['A', 'to A'])
    hears('B')
    hears('text', { isEnding: true })
    await setImmediate()
    expect(done.slice(2)).toEqual(['text', 'R', 'B', 'to text', 'to R', 'to B'])
  })

  test('writes what is said outside of it, too', async () => {
    const { turn, done } = company()
    turn.speaks({ firstByte: 0, hear: () => undefined, send: () => void done.push('greeting') })
    expect(done).toEqual([])
    await setImmediate()
    expect(done).toEqual(['greeting'])
  })
})

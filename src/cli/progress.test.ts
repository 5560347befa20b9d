import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { withProgress } from './progress.ts'

async function shown(isTTY: boolean, stepMs: number, fails = false) {
  const written: string[] = []
  const clock = fakeClock()
  const terminal = { isTTY, write: (text: string) => written.push(text) }
  const work = async (told: (done: number, all: number) => void) => {
    for (let done = 1; done <= 10; done++) {
      clock.advance(stepMs)
      told(done, 10)
    }
    if (fails) throw new Error('it did not work')
    return 'done'
  }
  const result = await withProgress('reading', work, terminal, clock).catch(String)
  return { result, written }
}

describe('progress', () => {
  test('is a bar that grows, and is gone in the end', async () => {
    const { result, written } = await shown(true, 200)
    expect(result).toBe('done')
    expect(written[0]).toBe(`\rreading [${'#'.repeat(9)}${'.'.repeat(21)}] 30% 3/10\u001B[K`)
    expect(written).toHaveLength(9)
    expect(written.at(-1)).toBe('\r\u001B[K')
  })

  test('is a count where nobody knows of how many', async () => {
    const written: string[] = []
    const clock = fakeClock()
    const terminal = { isTTY: true, write: (text: string) => written.push(text) }
    const count = async (told: (done: number) => void) => {
      clock.advance(600)
      told(7)
    }
    await withProgress('reading', count, terminal, clock)
    expect(written[0]).toBe('\rreading 7\u001B[K')
  })

  test('is gone as well where the work fails', async () => {
    const { result, written } = await shown(true, 200, true)
    expect(result).toBe('Error: it did not work')
    expect(written.at(-1)).toBe('\r\u001B[K')
  })

  test('is nothing for who is quick, and nothing without a terminal', async () => {
    expect(await shown(true, 10)).toEqual({ result: 'done', written: [] })
    expect(await shown(false, 1_000)).toEqual({ result: 'done', written: [] })
  })
})

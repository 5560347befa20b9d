import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LogTarget } from './log-target.ts'
import { LogWriter } from './log-writer.ts'

const long = `${'x'.repeat(65_536)}\n`

describe('lines of the log', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('that come while others are written are gathered again, and written a tenth of a second later', async () => {
    const target = new SlowTarget()
    const writer = new LogWriter(target, () => '')
    writer.write(long)
    writer.write('later\n')
    await target.finish()
    expect(target.written).toEqual([long])
    await vi.advanceTimersByTimeAsync(100)
    expect(target.written).toEqual([long, 'later\n'])
  })

  test('that come while others are written are written at once when the gateway ends', async () => {
    const target = new SlowTarget()
    const writer = new LogWriter(target, () => '')
    writer.write(long)
    writer.write('last\n')
    const closed = writer.close()
    await target.finish()
    await target.finish()
    await closed
    expect(target.written).toEqual([long, 'last\n'])
  })

  test('are not written where there are none', async () => {
    const target = new SlowTarget()
    await new LogWriter(target, () => '').close()
    expect(target.written).toEqual([])
  })
})

describe('a target', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('rests when nothing was written for five seconds, and is written again after', async () => {
    const done: string[] = []
    const writer = new LogWriter(
      {
        write: async (bytes) => done.push(bytes.toString()) && bytes.length,
        rest: async () => void done.push('rest'),
        close: async () => void done.push('close'),
      },
      () => '',
    )
    writer.write('a')
    await vi.advanceTimersByTimeAsync(4_000)
    writer.write('b')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(done).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(done).toEqual(['a', 'b', 'rest'])
    writer.write('c')
    await vi.advanceTimersByTimeAsync(5_100)
    expect(done).toEqual(['a', 'b', 'rest', 'c', 'rest'])
    await writer.close()
    expect(done.at(-1)).toBe('close')
  })

  test('that is about to rest loses nothing of what is said meanwhile, not even at the end', async () => {
    const resting = Promise.withResolvers<void>()
    const done: string[] = []
    const writer = new LogWriter(
      {
        write: async (bytes) => done.push(bytes.toString()) && bytes.length,
        rest: () => resting.promise,
        close: async () => undefined,
      },
      () => '',
    )
    writer.write('a')
    await vi.advanceTimersByTimeAsync(5_100)
    writer.write('b')
    const closed = writer.close()
    resting.resolve()
    await closed
    expect(done).toEqual(['a', 'b'])
  })

  test('that cannot be written is a trouble as long as that lasts', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    let isFull = true
    const writer = new LogWriter(
      {
        write: async ({ length }) => {
          if (isFull) throw new Error('ENOSPC')
          return length
        },
        close: async () => undefined,
      },
      () => '',
    )
    expect(writer.trouble).toBeUndefined()
    writer.write('a')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(writer.trouble).toBe('Error: ENOSPC')
    isFull = false
    await vi.advanceTimersByTimeAsync(2_000)
    expect(writer.trouble).toBeUndefined()
    expect(writer.lostInAll).toBe(0)
  })
})

class SlowTarget implements LogTarget {
  readonly written: string[] = []
  #finished = Promise.withResolvers<void>()

  async write(bytes: Buffer): Promise<number> {
    this.written.push(bytes.toString())
    await this.#finished.promise
    return bytes.length
  }

  async finish(): Promise<void> {
    const { resolve } = this.#finished
    this.#finished = Promise.withResolvers<void>()
    resolve()
    await vi.advanceTimersByTimeAsync(0)
  }

  async close(): Promise<void> {}
}

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

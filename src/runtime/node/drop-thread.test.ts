import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FromDrop } from './drop-protocol.ts'
import { DropThread, type Lost, type Put } from './drop-thread.ts'

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'setImmediate', 'performance'],
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const patienceMs = 60_000

/** A thread that does nothing but what a test says for it. */
class SilentWorker extends Worker {
  constructor() {
    super('', { eval: true })
    this.removeAllListeners()
  }

  override terminate(): Promise<number> {
    return Promise.resolve(0)
  }

  override postMessage(): void {}

  says(...numbers: readonly number[]): void {
    this.emit('message', { say: 'done', numbers, failed: [] } satisfies FromDrop)
  }
}

/** Time passes, and nothing happens in this process. */
function freeze(ms: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
}

function stage() {
  const worker = new SilentWorker()
  const done: string[] = []
  let lost: readonly Lost[] | undefined
  const thread = new DropThread({
    worker: () => worker,
    patienceMs,
    finished: ({ file }) => void done.push(file.path),
    over: (_, what) => void (lost ??= what),
    gone: () => undefined,
  })
  const put = (...paths: readonly string[]): void => {
    for (const path of paths) thread.put(putOf(path))
    vi.advanceTimersByTime(0)
  }
  const lostNow = () => lost?.map(({ put: { file }, isLate }) => [file.path, isLate])
  return { worker, put, done, lost: lostNow }
}

function putOf(path: string): Put {
  const empty = new Uint8Array(0)
  return {
    file: { draft: '', path, head: empty, body: empty },
    taken: () => undefined,
    done: Promise.withResolvers(),
  }
}

test('a thread that says nothing is given up, and what it had is lost', () => {
  const { put, done, lost } = stage()
  put('a')
  vi.advanceTimersByTime(patienceMs / 2)
  put('b')
  vi.advanceTimersByTime(patienceMs / 4)
  expect(lost()).toBeUndefined()
  vi.advanceTimersByTime(patienceMs / 2)
  expect(lost()).toEqual([
    ['a', true],
    ['b', false],
  ])
  expect(done).toEqual([])
})

test('a disk that is slow, and answers one after the other, is waited for however long it takes', () => {
  const { worker, put, done, lost } = stage()
  put('a', 'b', 'c', 'd', 'e')
  for (const number of [0, 1, 2, 3, 4]) {
    vi.advanceTimersByTime(patienceMs * 0.8)
    worker.says(number)
  }
  expect(done).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(lost()).toBeUndefined()
})

test('a process that was frozen meanwhile gives nobody up for that', () => {
  const { worker, put, done, lost } = stage()
  put('a')
  vi.advanceTimersByTime(patienceMs / 2)
  freeze(patienceMs * 60)
  vi.advanceTimersByTime(patienceMs / 8)
  expect(lost()).toBeUndefined()
  worker.says(0)
  expect(done).toEqual(['a'])
  put('b')
  vi.advanceTimersByTime(patienceMs * 1.5)
  expect(lost()).toEqual([['b', true]])
})

test('a file that others overtake is what a thread hangs at, whatever else it gets done', () => {
  const { worker, put, lost } = stage()
  put('stuck')
  for (let number = 1; number <= 20 && lost() === undefined; number++) {
    vi.advanceTimersByTime(patienceMs / 8)
    put(`m${number}`)
    worker.says(number)
  }
  expect(lost()).toEqual([['stuck', true]])
})

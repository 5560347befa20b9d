import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { recordingLog } from '../../testkit/recording-log.ts'
import type { FileDrop, NewFile } from '../file-drop.ts'
import { threadDrop } from './file-drop.ts'

let root = ''
let drop: FileDrop
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'postern-drop-'))
  for (const box of ['a', 'b']) {
    for (const part of ['new', 'tmp']) mkdirSync(join(root, box, part), { recursive: true })
  }
  drop = threadDrop(recordingLog())
})
afterEach(async () => {
  await drop.close()
  rmSync(root, { recursive: true })
})

function file(box: string, name: string, body: Uint8Array = Buffer.from('body\n')): NewFile {
  const draft = join(root, box, 'tmp', name)
  return { draft, path: join(root, box, 'new', name), head: Buffer.from(`${name}\n`), body }
}

test('a thousand files and more lie where they belong, whole, for their owner alone', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(5))
  shared.set(Buffer.from('body\n'))
  const files = Array.from({ length: 1_200 }, (_, at) =>
    file(at % 2 === 0 ? 'a' : 'b', `m${at}`, at % 3 === 0 ? shared : Buffer.from('body\n')),
  )
  let taken = 0
  await Promise.all(files.map((each) => drop.put(each, () => void taken++)))
  expect(taken).toBe(1_200)
  for (const [at, { path }] of files.entries()) {
    expect(readFileSync(path, 'latin1')).toBe(`m${at}\nbody\n`)
  }
  expect(statSync(files[0]!.path).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(root, 'a/tmp'))).toEqual([])
})

test('a file for which there is no room yet is not taken before there is', async () => {
  const large = Buffer.alloc(9 << 20, 'x')
  const taken: string[] = []
  const put = (name: string) => drop.put(file('a', name, large), () => taken.push(name))
  const all = ['1', '2', '3', '4'].map((name) => put(name))
  expect(taken).toEqual(['1', '2'])
  await Promise.all(all)
  expect(taken).toEqual(['1', '2', '3', '4'])
})

test('a folder that is missing, and a name that is taken, concern nobody else', async () => {
  const good = drop.put(file('a', 'good'))
  await expect(drop.put(file('c', 'm'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  mkdirSync(join(root, 'a/tmp/taken'))
  await expect(drop.put(file('a', 'taken'))).rejects.toMatchObject({ code: 'DISK_FAILED' })
  await good
  expect(readdirSync(join(root, 'a/new'))).toEqual(['good'])
})

test('a drop that is closed finishes what it was given, and takes no more', async () => {
  const before = Array.from({ length: 50 }, (_, at) => drop.put(file('a', `m${at}`)))
  const closed = drop.close()
  await expect(drop.put(file('a', 'late'))).rejects.toMatchObject({ code: 'DISK_FAILED' })
  await closed
  await Promise.all(before)
  expect(readdirSync(join(root, 'a/new'))).toHaveLength(50)
})

const hangs = 'setInterval(() => undefined, 1_000)'

/** Blocked in the kernel: it cannot be ended before the network is back. */
class StuckWorker extends Worker {
  override terminate(): Promise<number> {
    return Promise.resolve(0)
  }
}

/** Threads of which the first ones hang at whatever they are given. */
function hanging(count: number, patienceMs: number, Stuck: typeof Worker = Worker) {
  const workers: Worker[] = []
  const worker = (): Worker => {
    const next =
      workers.length < count
        ? new Stuck(hangs, { eval: true })
        : new Worker(new URL('./drop.worker.ts', import.meta.url))
    workers.push(next)
    return next
  }
  return { workers, drop: threadDrop(recordingLog(), { patienceMs, worker }) }
}

test('a folder that hangs fails what is with it in time, and nobody else waits for it', async () => {
  const { drop: some } = hanging(1, 2_000)
  const lost = some.put(file('a', 'lost'))
  const meanwhile = some.put(file('b', 'meanwhile'))
  await expect(lost).rejects.toMatchObject({ code: 'DISK_FAILED' })
  await meanwhile
  await some.put(file('a', 'again'))
  await some.put(file('a', 'trusted'))
  expect(readdirSync(join(root, 'a/new')).toSorted()).toEqual(['again', 'trusted'])
  await some.close()
})

test('where too many threads hang, what would need another fails at once', async () => {
  const { drop: some, workers } = hanging(3, 50, StuckWorker)
  for (const name of ['first', 'second', 'third']) {
    // oxlint-disable-next-line no-await-in-loop -- one thread after the other
    await expect(some.put(file('a', name))).rejects.toMatchObject({ code: 'DISK_FAILED' })
  }
  await expect(some.put(file('a', 'fourth'))).rejects.toThrow('too many of them hang')
  expect(workers).toHaveLength(3)
  await some.close()
  await Promise.all(workers.map((worker) => Worker.prototype.terminate.call(worker)))
})

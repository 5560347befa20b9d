/**
 * A file drop with threads of its own: the event loop of the gateway neither waits for a disk nor works for one. Many
 * files are under way at a time, so that a disk that takes a sync for many of them is used as such. What goes into one
 * folder goes to one thread, started by its first file.
 *
 * Promises: a folder that hangs (a network that is gone) delays the others of its thread once. The files that are with
 * that thread then fail, another takes its place, and until they have been written to again those folders have a thread
 * to themselves. Of threads that hang only so many are left behind: beyond that files for their places fail at once.
 */
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { PosternError } from '../../mail/errors.ts'
import type { FileDrop, NewFile } from '../file-drop.ts'
import type { Log } from '../log.ts'
import { DropThread, type Lost, type Put } from './drop-thread.ts'

export interface ThreadDropOptions {
  /** So long a file may be with a thread that gets nothing done; a minute where nothing is said. */
  readonly patienceMs?: number
  readonly worker?: () => Worker
}

/** Under way at a time; whoever brings more waits. */
const mostFiles = 1_000
const mostBytes = 16 << 20
/** For folders that have not hung; the place behind them is for those that have. */
const places = 3
const suspectPlace = places
/** Each holds on to threads of libuv that the spool needs, too: bin/postern asks for so many more. */
const mostLeftBehind = 3
const mostSuspects = 10_000
const defaultPatienceMs = 60_000

export function threadDrop(log: Log, options: ThreadDropOptions = {}): FileDrop {
  return new ThreadDrop(log, options)
}

class ThreadDrop implements FileDrop {
  readonly #log: Log
  readonly #options: Required<ThreadDropOptions>
  readonly #threads = new Map<number, DropThread>()
  /** Folders that a thread hung at, perhaps. */
  readonly #suspects = new Set<string>()
  /** There is no room for them yet. */
  readonly #line = new Set<Put>()
  /** They hang, or are about to end. */
  #leftBehind = 0
  #files = 0
  #bytes = 0
  #closing: PromiseWithResolvers<void> | undefined

  constructor(log: Log, options: ThreadDropOptions) {
    this.#log = log
    this.#options = { patienceMs: defaultPatienceMs, worker: newWorker, ...options }
  }

  put(file: NewFile, taken = (): void => undefined): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(failure('it is closed'))
    const put: Put = { file, taken, done: Promise.withResolvers() }
    if (this.#hasRoom) this.#take(put)
    else this.#line.add(put)
    return put.done.promise
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers()
      this.#endIfIdle()
    }
    return this.#closing.promise
  }

  /** One that is alone may be as large as it is. */
  get #hasRoom(): boolean {
    return this.#files === 0 || (this.#files < mostFiles && this.#bytes < mostBytes)
  }

  #take(put: Put): void {
    this.#files += 1
    this.#bytes += sizeOf(put)
    put.taken()
    const folder = dirname(put.file.path)
    try {
      this.#threadFor(this.#suspects.has(folder) ? suspectPlace : placeOf(folder)).put(put)
    } catch (error) {
      // No thread is to be had now. Whoever asked learns of it when he has the promise.
      setImmediate(() => this.#finish(put, failure(String(error))))
    }
  }

  /** @throws Error where there may be no other thread now */
  #threadFor(place: number): DropThread {
    const running = this.#threads.get(place)
    if (running !== undefined) return running
    if (this.#leftBehind >= mostLeftBehind) throw new Error('too many of them hang')
    const thread = new DropThread({
      worker: this.#options.worker,
      patienceMs: this.#options.patienceMs,
      finished: (put, error) => {
        if (place === suspectPlace) this.#suspects.delete(dirname(put.file.path))
        this.#finish(put, error)
      },
      over: (why, lost) => this.#lost(place, { thread, why, lost }),
      gone: () => void (this.#leftBehind -= 1),
    })
    this.#threads.set(place, thread)
    return thread
  }

  #lost(
    place: number,
    { thread, why, lost }: { thread: DropThread; why: string; lost: readonly Lost[] },
  ): void {
    if (this.#threads.get(place) === thread) {
      this.#threads.delete(place)
      this.#leftBehind += 1
    }
    if (lost.length > 0) {
      this.#log.error('maildir.thread-died', { error: why, files: lost.length })
    }
    // All of them, before there is room for those who wait: some are for the same folders.
    for (const { put, isLate } of lost) {
      if (isLate && this.#suspects.size < mostSuspects) this.#suspects.add(dirname(put.file.path))
    }
    for (const { put } of lost) this.#finish(put, failure(why))
    this.#endIfIdle()
  }

  #finish(put: Put, error?: PosternError): void {
    this.#files -= 1
    this.#bytes -= sizeOf(put)
    if (error === undefined) put.done.resolve()
    else put.done.reject(error)
    for (const next of this.#line) {
      if (!this.#hasRoom) break
      this.#line.delete(next)
      this.#take(next)
    }
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    const closing = this.#closing
    if (closing === undefined || this.#files > 0) return
    const ends = [...this.#threads.values()].map((thread) => thread.close())
    void Promise.all(ends).then(() => closing.resolve())
  }
}

function newWorker(): Worker {
  return new Worker(new URL('./drop.worker.ts', import.meta.url))
}

/** The same for the same folder; neighbours have different ones. */
function placeOf(folder: string): number {
  let sum = 0
  for (let at = 0; at < folder.length; at++) sum += folder.charCodeAt(at)
  return sum % places
}

function sizeOf({ file: { head, body } }: Put): number {
  return head.length + body.length
}

function failure(why: string): PosternError {
  return new PosternError('DISK_FAILED', `the thread that writes files: ${why}`)
}

/** The one tree of a message: read when somebody first asks, shared by all who ask, given up when nobody waits any more. */
import { PosternError } from '../errors.ts'
import { readHeldTree, readMimeTree } from './read-tree.ts'
import type { MessageSource } from './source.ts'
import type { MimeTree } from './tree.ts'

interface Work {
  readonly tree: Promise<MimeTree>
  readonly controller: AbortController
  waiting: number
}

export class SharedMimeTree {
  readonly #source: MessageSource
  #tree: MimeTree | undefined
  #work: Work | undefined

  constructor(source: MessageSource) {
    this.#source = source
  }

  /** @throws PosternError ABORTED when the signal fires, DISK_FAILED; the next to ask may be luckier */
  async get(signal?: AbortSignal): Promise<MimeTree> {
    this.#tree ??= signal?.aborted === true ? undefined : readHeldTree(this.#source)
    if (this.#tree !== undefined) return this.#tree
    const work = (this.#work ??= this.#begin())
    const { promise: gone, reject } = Promise.withResolvers<never>()
    const leave = (): void =>
      reject(new PosternError('ABORTED', 'waiting for the parts of a message'))
    if (signal?.aborted === true) leave()
    signal?.addEventListener('abort', leave, { once: true })
    work.waiting += 1
    try {
      return (this.#tree = await Promise.race([work.tree, gone]))
    } finally {
      signal?.removeEventListener('abort', leave)
      work.waiting -= 1
      if (work.waiting === 0) this.#end(work)
    }
  }

  #begin(): Work {
    const controller = new AbortController()
    return { tree: readMimeTree(this.#source, controller.signal), controller, waiting: 0 }
  }

  #end(work: Work): void {
    // One that has come to its end has nothing left to stop, and an abort costs more than a small tree.
    if (this.#tree === undefined) work.controller.abort()
    // Nobody waits for what is given up: its end is no news.
    work.tree.catch(() => undefined)
    if (this.#work === work) this.#work = undefined
  }
}

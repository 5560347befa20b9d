/** The thread of a file drop: whatever files one turn of its event loop brings go to the disk together. */
import { parentPort } from 'node:worker_threads'
import { isPosternError, type ErrorCode } from '../../mail/errors.ts'
import { DiskDrop, type NewFile } from '../file-drop.ts'
import { dropDisk } from './drop-disk.ts'
import type { FromDrop, ToDrop } from './drop-protocol.ts'

class DropThread {
  readonly #drop = new DiskDrop(dropDisk())
  /** What has not been told yet. */
  #numbers: number[] = []
  #failed: (readonly [number, ErrorCode, string])[] = []
  #untold = 0
  #closing = false

  hear(message: ToDrop): void {
    if (message.say === 'put') {
      this.#untold += message.files.length
      for (const [at, file] of message.files.entries()) void this.#put(message.first + at, file)
    } else {
      this.#closing = true
      this.#endIfDone()
    }
  }

  /** An error that is none of the disk's ends the thread: whoever waits hears of that. */
  async #put(number: number, file: NewFile): Promise<void> {
    try {
      await this.#drop.put(file)
      this.#numbers.push(number)
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#failed.push([number, error.code, error.message])
    }
    if (this.#numbers.length + this.#failed.length === 1) setImmediate(() => this.#tell())
  }

  #tell(): void {
    const [numbers, failed] = [this.#numbers, this.#failed]
    this.#numbers = []
    this.#failed = []
    this.#untold -= numbers.length + failed.length
    say({ say: 'done', numbers, failed })
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (!this.#closing || this.#untold > 0) return
    say({ say: 'closed' })
    parentPort?.close()
  }
}

function say(message: FromDrop): void {
  parentPort?.postMessage(message)
}

const thread = new DropThread()
parentPort?.on('message', (message: ToDrop) => thread.hear(message))

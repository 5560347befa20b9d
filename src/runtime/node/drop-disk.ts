/**
 * The disk as the thread of a file drop has it. What only changes the page cache is done at once, since nobody else waits
 * in that thread; what waits for the device goes to libuv's threads, and to no more of them than leaves some to others:
 * the log of the spool is synced by them, too. Files go before folders, so that a folder's sync, which begins when its turn
 * comes, is one for more of them.
 */
import fs from 'node:fs'
import type { DropDisk } from '../file-drop.ts'
import { attempt, SystemFile } from './disk.ts'

/** For each of four threads, and for three that hang, of the 48 threads of libuv that bin/postern asks for. */
const syncsAtOnce = 6

export function dropDisk(): DropDisk {
  const turns = new SyncTurns(syncsAtOnce)
  return {
    async open(path) {
      const fd = attempt(path, () => fs.openSync(path, 'wx', 0o600))
      const file = new SystemFile(path, fd)
      return {
        write: async (parts, position) => file.writeNow(parts, position),
        sync: () => turns.run('file', () => file.sync()),
        close: async () => attempt(path, () => fs.closeSync(fd)),
      }
    },
    async rename(from, to) {
      attempt(from, () => fs.renameSync(from, to))
    },
    async remove(path) {
      attempt(path, () => fs.unlinkSync(path))
    },
    syncDirectory: syncFolder,
    inTurn: (work) => turns.run('folder', work),
  }
}

async function syncFolder(path: string): Promise<void> {
  const fd = attempt(path, () => fs.openSync(path, 'r'))
  try {
    await new SystemFile(path, fd).sync()
  } finally {
    attempt(path, () => fs.closeSync(fd))
  }
}

/** So many at a time, files before folders. */
class SyncTurns {
  readonly #limit: number
  readonly #waiting = { file: new Set<() => void>(), folder: new Set<() => void>() }
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  async run(what: 'file' | 'folder', work: () => Promise<void>): Promise<void> {
    if (this.#running >= this.#limit) {
      await new Promise<void>((resolve) => void this.#waiting[what].add(resolve))
    } else this.#running += 1
    try {
      await work()
    } finally {
      if (!this.#hand()) this.#running -= 1
    }
  }

  /** @returns whether somebody has the turn now */
  #hand(): boolean {
    for (const line of [this.#waiting.file, this.#waiting.folder]) {
      for (const next of line) {
        line.delete(next)
        next()
        return true
      }
    }
    return false
  }
}

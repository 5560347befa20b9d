/** Who wants to hear of changes on the fake disk: late, and once for all that happened until then, as on a real one. */
import { posix } from 'node:path'
import type { DiskWatch } from '../runtime/disk.ts'

export interface FakeWatch {
  /** Of a file, or of a folder and what is in it. */
  readonly path: string
  readonly changed: () => void
  /** Names in the folder of which nothing is told. */
  readonly isOurs: (name: string) => boolean
}

export class FakeWatches {
  /** Each, and whether it is about to be told. */
  readonly #watches = new Map<FakeWatch, boolean>()

  add(watch: FakeWatch): DiskWatch {
    this.#watches.set(watch, false)
    return { close: () => void this.#watches.delete(watch) }
  }

  touched(path: string): void {
    for (const [watch, isTold] of this.#watches) {
      const isInside = watch.path === posix.dirname(path) && !watch.isOurs(posix.basename(path))
      if (isTold || (watch.path !== path && !isInside)) continue
      this.#watches.set(watch, true)
      setImmediate(() => {
        if (!this.#watches.has(watch)) return
        this.#watches.set(watch, false)
        watch.changed()
      })
    }
  }
}

/**
 * What other programs have handed over and is no message. Our own user's and root's is damage, and kept like any other. Of
 * what any user of the host may have put there some is kept, since it may have been whole once, and nobody is woken for it:
 * so much of each owner, so that nobody's many push out another's one.
 */
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { isForeign, namesOfDamaged, setAsideFile } from './damaged.ts'
import type { SpoolLayout } from './spool-layout.ts'

/** Files that are kept of one owner. */
const mostOfOne = 100
/** Where so many are kept of all, no more than a few of each are. */
const many = 2_000
const few = 10

export interface Refused {
  readonly problem: string
  /** Of a file; absent for what is none. */
  readonly inode?: number
  /** Its owner, where that is not our own user. */
  readonly foreign?: number
}

export interface RefusalsOptions {
  readonly disk: Disk
  readonly log: Log
  readonly layout: Pick<SpoolLayout, 'damaged'>
}

/** How many files are kept, by owner. */
interface Kept {
  readonly ofOwner: Map<number, number>
  all: number
}

export class Refusals {
  readonly #options: RefusalsOptions
  #kept: Promise<Kept> | undefined

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /** The operator may have removed some. */
  lookAnew(): void {
    this.#kept = undefined
  }

  /**
   * The file leaves `incoming/`. What is none holds nothing, and would only lead astray whoever looks into `damaged/`: it goes.
   * @throws PosternError NOT_FOUND, DISK_FULL, DISK_FAILED
   */
  async setAside(name: string, path: string, { problem, inode, foreign }: Refused): Promise<void> {
    const { disk, layout, log } = this.#options
    if (foreign !== undefined) log.warn('spool.handover-refused', { name, problem, uid: foreign })
    else log.error('spool.handover-damaged', { name, problem })
    const isKept = inode !== undefined && (foreign === undefined || (await this.#mayStay(foreign)))
    if (!isKept) return disk.remove(path)
    const kind = foreign === undefined ? 'incoming' : 'foreign'
    await setAsideFile(disk, { from: path, folder: layout.damaged, name, kind, inode })
  }

  async #mayStay(owner: number): Promise<boolean> {
    this.#kept ??= this.#count()
    const kept = await this.#kept
    const count = kept.ofOwner.get(owner) ?? 0
    if (count >= (kept.all < many ? mostOfOne : few)) return false
    kept.ofOwner.set(owner, count + 1)
    kept.all += 1
    return true
  }

  async #count(): Promise<Kept> {
    const { disk, layout } = this.#options
    const kept: Kept = { ofOwner: new Map(), all: 0 }
    for (const name of await namesOfDamaged(disk, layout.damaged)) {
      const owner = isForeign(name) ? await this.#ownerOf(`${layout.damaged}/${name}`) : undefined
      if (owner === undefined) continue
      kept.ofOwner.set(owner, (kept.ofOwner.get(owner) ?? 0) + 1)
      kept.all += 1
    }
    return kept
  }

  /** @returns undefined for what the operator has removed just now */
  async #ownerOf(path: string): Promise<number | undefined> {
    return (await unlessMissing(this.#options.disk.statName(path)))?.uid
  }
}

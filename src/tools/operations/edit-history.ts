/** What was changed in the configuration, by whom and when: one file for each change, the oldest go. */
import { join } from 'node:path'
import type { HistoryItem, HistoryPage } from '../../admin/schemas/configuration.ts'
import type { PageRequest } from '../../admin/operations.ts'
import { unifiedDiff } from '../../formats/unified-diff.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk } from '../../runtime/disk.ts'
import { unlessMissing } from '../../runtime/missing.ts'
import type { Random } from '../../runtime/random.ts'

export interface RecordedEdit {
  readonly at: number
  readonly by: string
  /** Below the configuration folder. */
  readonly path: string
  readonly note?: string
  readonly before: string
  readonly after: string
}

export interface EditHistoryParts {
  readonly disk: Disk
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly folder: string
}

const mostEdits = 500
const usualPage = 50
const name = /^[0-9a-z]{9}-[0-9a-f]{8}$/

export class EditHistory {
  readonly #parts: EditHistoryParts

  constructor(parts: EditHistoryParts) {
    this.#parts = parts
  }

  /** @returns its id. @throws PosternError DISK_FULL, DISK_FAILED */
  async record(edit: Omit<RecordedEdit, 'at'>): Promise<string> {
    const { disk, clock, random, folder } = this.#parts
    const at = clock.now()
    const mark = Buffer.from(random.bytes(4)).toString('hex')
    const id = `${at.toString(36).padStart(9, '0')}-${mark}`
    await disk.makeDirectory(folder)
    const file = await disk.open(join(folder, id), 'create')
    try {
      await file.write([Buffer.from(JSON.stringify({ at, ...edit }))], 0)
      await file.sync()
    } finally {
      await file.close()
    }
    const ids = await this.#ids()
    for (const old of ids.slice(mostEdits)) await disk.remove(join(folder, old))
    return id
  }

  /** It was not done after all. */
  async forget(id: string): Promise<void> {
    const { disk, folder } = this.#parts
    await disk.remove(join(folder, id))
  }

  /** Newest first. */
  async list({
    cursor,
    limit = usualPage,
    path,
  }: PageRequest & { readonly path?: string }): Promise<HistoryPage> {
    const items: HistoryItem[] = []
    for (const id of await this.#ids()) {
      if (cursor !== undefined && id >= cursor) continue
      // oxlint-disable-next-line no-await-in-loop -- no more of them than the page holds
      const edit = await this.find(id)
      if (edit === undefined || (path !== undefined && edit.path !== path)) continue
      if (items.length >= limit) return { items, next: items.at(-1)?.id ?? '' }
      items.push(itemOf(id, edit))
    }
    return { items }
  }

  /** Without the difference: secrets may stand in the texts. */
  async show(id: string): Promise<HistoryItem | undefined> {
    const edit = await this.find(id)
    return edit && itemOf(id, edit)
  }

  async find(id: string): Promise<RecordedEdit | undefined> {
    if (!name.test(id)) return undefined
    const { disk, folder } = this.#parts
    const bytes = await unlessMissing(disk.readFile(join(folder, id)))
    return bytes === undefined ? undefined : read(Buffer.from(bytes).toString())
  }

  async #ids(): Promise<readonly string[]> {
    const { disk, folder } = this.#parts
    const names = (await unlessMissing(disk.list(folder))) ?? []
    return names
      .filter((each) => name.test(each))
      .toSorted()
      .toReversed()
  }
}

function itemOf(id: string, { at, by, path, note, before, after }: RecordedEdit): HistoryItem {
  const { added, removed } = unifiedDiff(before, after, path)
  return { id, at, by, path, added, removed, ...(note === undefined ? {} : { note }) }
}

/** @returns undefined for what a crash left half written */
function read(text: string): RecordedEdit | undefined {
  try {
    const edit: Partial<RecordedEdit> | null = JSON.parse(text)
    const { at, by, path, note, before, after } = edit ?? {}
    if (typeof at !== 'number' || typeof by !== 'string' || typeof path !== 'string')
      return undefined
    if (typeof before !== 'string' || typeof after !== 'string') return undefined
    return { at, by, path, before, after, ...(typeof note === 'string' ? { note } : {}) }
  } catch {
    // Half a file is no edit.
    return undefined
  }
}

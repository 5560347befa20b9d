/**
 * Quotas of Maildirs as Maildir++ has them, so that POP3 and IMAP servers that know `maildirsize` count along. What is said
 * to be full is counted once more before it is believed, unless that was done a moment ago. Deliveries into one Maildir
 * take turns; those of several processes do not, and may overfill it by what they bring at that moment.
 */
import {
  formatMaildirsize,
  maildirsizeEntry,
  maildirsizeLongest,
  parseMaildirsize,
} from '../../formats/maildirsize.ts'
import {
  exceedsQuota,
  formatQuota,
  parseQuota,
  type MailboxUsage,
  type Quota,
} from '../../mail/quota.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk } from '../../runtime/disk.ts'
import { countedBytes, noteUsage } from '../../runtime/maildir-usage.ts'
import { unlessMissing } from '../../runtime/missing.ts'
import type { Random } from '../../runtime/random.ts'

export interface MaildirQuotasParts {
  readonly disk: Disk
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** Of one Maildir, and a message that is to come. */
export interface MaildirLimit {
  readonly path: string
  readonly quota: Quota
  readonly sizeBytes: number
}

/** A sum that is older is counted anew before anybody is turned away by it. */
const believedMs = 900_000
/** Of a first line. */
const longestQuota = 200
/** Nobody has more folders. */
const mostFolders = 10_000

export class MaildirQuotas {
  readonly #parts: MaildirQuotasParts
  /** The end of the line, by path. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(parts: MaildirQuotasParts) {
    this.#parts = parts
  }

  /**
   * Writes where there is room, and writes down what came.
   * @param write returns the size of what it wrote
   * @throws PosternError DISK_FULL, DISK_FAILED
   */
  async deliver(limit: MaildirLimit, write: () => Promise<number>): Promise<'delivered' | 'full'> {
    const { path } = limit
    const before = this.#turns.get(path) ?? Promise.resolve()
    const turn = before.then(async () => {
      if (await this.isFull(limit)) return 'full'
      const came = { bytes: await write(), messages: 1 }
      await noteUsage(this.#parts.disk, path, maildirsizeEntry(came))
      return 'delivered'
    })
    const over = turn.catch(() => undefined)
    this.#turns.set(path, over)
    try {
      return await turn
    } finally {
      if (this.#turns.get(path) === over) this.#turns.delete(path)
    }
  }

  /** Whether the message would be too much. A Maildir that is not there is empty. @throws PosternError DISK_FAILED */
  async isFull({ path, quota, sizeBytes }: MaildirLimit): Promise<boolean> {
    const isTooMuch = ({ bytes, messages }: MailboxUsage): boolean =>
      exceedsQuota({ bytes: bytes + sizeBytes, messages: messages + 1 }, quota)
    const kept = await this.#kept(path, quota)
    if (kept === undefined) return isTooMuch(await this.#count(path, quota))
    if (!isTooMuch(kept.usage)) return false
    return kept.fresh || isTooMuch(await this.#count(path, quota))
  }

  /**
   * The quota that the Maildir's own maildirsize names, whoever wrote it.
   * @returns undefined where there is none that can be read
   * @throws PosternError DISK_FAILED
   */
  async quotaOf(path: string): Promise<Quota | undefined> {
    const { disk } = this.#parts
    const name = `${path}/maildirsize`
    if ((await unlessMissing(disk.stat(name)))?.kind !== 'file') return undefined
    const file = await unlessMissing(disk.open(name, 'read'))
    if (file === undefined) return undefined
    try {
      const beginning = Buffer.from(await file.read(0, longestQuota)).toString('latin1')
      const end = beginning.indexOf('\n')
      return end < 0 ? undefined : parseQuota(beginning.slice(0, end).trimEnd())
    } finally {
      await file.close()
    }
  }

  /** What maildirsize says, where it speaks of this quota. */
  async #kept(
    path: string,
    quota: Quota,
  ): Promise<{ readonly usage: MailboxUsage; readonly fresh: boolean } | undefined> {
    const { disk, clock } = this.#parts
    const file = `${path}/maildirsize`
    const stat = await unlessMissing(disk.stat(file))
    if (stat === undefined || stat.kind !== 'file' || stat.sizeBytes > maildirsizeLongest) {
      return undefined
    }
    const read = parseMaildirsize((await unlessMissing(disk.readFile(file))) ?? new Uint8Array())
    if (read === undefined || read.quota !== formatQuota(quota)) return undefined
    const isOld = clock.now() - stat.modifiedAt > believedMs
    return { usage: read.usage, fresh: read.entries <= 1 && !isOld }
  }

  /** Counts, and writes the sum down. */
  async #count(path: string, quota: Quota): Promise<MailboxUsage> {
    const { disk, random } = this.#parts
    const names = await unlessMissing(disk.list(path))
    if (names === undefined) return { bytes: 0, messages: 0 }
    // What is thrown away does not count.
    const folders = names.filter((name) => name.startsWith('.') && name !== '.Trash')
    const usage = { bytes: 0, messages: 0 }
    for (const folder of [path, ...folders.slice(0, mostFolders).map((name) => `${path}/${name}`)])
      for (const part of ['new', 'cur']) await this.#addTo(usage, `${folder}/${part}`)
    const chance = Buffer.from(random.bytes(8)).toString('hex')
    await this.#replace(path, `${path}/tmp/maildirsize.${chance}`, formatMaildirsize(quota, usage))
    return usage
  }

  async #addTo(usage: { bytes: number; messages: number }, folder: string): Promise<void> {
    const { disk } = this.#parts
    for (const name of (await unlessMissing(disk.list(folder))) ?? []) {
      const sizeBytes = await countedBytes(disk, folder, name)
      if (sizeBytes === undefined) continue
      usage.bytes += sizeBytes
      usage.messages += 1
    }
  }

  /** A cache, so not synced. Without a Maildir there is nothing to remember. */
  async #replace(path: string, made: string, text: string): Promise<void> {
    const { disk } = this.#parts
    const file = await unlessMissing(disk.open(made, 'create'))
    if (file === undefined) return
    try {
      await file.write([Buffer.from(text)], 0)
    } finally {
      await file.close()
    }
    await disk.rename(made, `${path}/maildirsize`)
  }
}

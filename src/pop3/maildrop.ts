/**
 * A Maildir as one POP3 session sees it: what lies in new/ and cur/ when it begins, oldest first, numbered from 1, until
 * it ends (RFC 1939 §5). Nothing is locked: other sessions, IMAP servers and deliveries go on meanwhile. A file that
 * another one has moved is found again by its unique name; one that is gone is gone. Only `update` changes anything.
 */
import { createHash } from 'node:crypto'
import { maildirsizeEntry } from '../formats/maildirsize.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import { countedBytes, noteUsage } from '../runtime/maildir-usage.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { inTurns } from './in-turns.ts'
import { MovedFiles, uniqueName } from './moved-files.ts'
import { contentOf, type OctetBook } from './octet-book.ts'

export interface MaildropDoors {
  readonly disk: Disk
  readonly clock: Clock
  readonly octets: OctetBook
}

export interface DropMessage {
  /** From 1. */
  readonly number: number
  /** The same in every session (RFC 1939 §7): 1 to 70 printable characters. */
  readonly uid: string
  /** The name of the file as far as a `:`, which never changes. */
  readonly unique: string
  /** Below the Maildir, when the session began. */
  readonly file: string
}

/** More messages wait for the next session. */
const mostMessages = 100_000
/** What is older in tmp/ is nobody's any more: maildir(5). */
const staleMs = 36 * 3_600_000

export class Maildrop {
  readonly messages: readonly DropMessage[]
  readonly #path: string
  readonly #doors: MaildropDoors
  readonly #moved: MovedFiles

  private constructor(path: string, messages: readonly DropMessage[], doors: MaildropDoors) {
    this.#path = path
    this.messages = messages
    this.#doors = doors
    this.#moved = new MovedFiles(path, doors)
  }

  /** @throws PosternError NOT_FOUND where there is no such Maildir, DISK_FAILED */
  static async open(path: string, doors: MaildropDoors): Promise<Maildrop> {
    await removeStale(`${path}/tmp`, doors)
    return new Maildrop(path, await listed(path, doors.disk), doors)
  }

  /** Without a Maildir: somebody who never got any mail. */
  static empty(path: string, doors: MaildropDoors): Maildrop {
    return new Maildrop(path, [], doors)
  }

  /** As sent, without doubled dots. @throws PosternError NOT_FOUND, DISK_FAILED */
  async octets(message: DropMessage): Promise<number> {
    // As we and Dovecot write it into the names of what we deliver.
    const written = /,W=(\d{1,15})(?=,|$)/.exec(message.unique)?.[1]
    if (written !== undefined) return Number(written)
    const key = `${this.#path}/${message.unique}`
    return this.#doors.octets.octets(key, () => this.read(message))
  }

  /** As it is stored. @throws PosternError NOT_FOUND, DISK_FAILED */
  async *read(message: DropMessage): AsyncGenerator<Uint8Array> {
    const { disk } = this.#doors
    let begun = false
    try {
      for await (const chunk of contentOf(disk, `${this.#path}/${message.file}`)) {
        begun = true
        yield chunk
      }
    } catch (error) {
      const moved = begun || !isPosternError(error, 'NOT_FOUND') ? undefined : this.#find(message)
      const file = await moved
      if (file === undefined) throw error
      yield* contentOf(disk, `${this.#path}/${file}`)
    }
  }

  /**
   * The UPDATE state (RFC 1939 §6): removes these, and moves what else was new to cur/, as qmail-pop3d does.
   * @returns whether all of them are gone now
   */
  async update(deleted: ReadonlySet<DropMessage>): Promise<boolean> {
    let whole = true
    this.#moved.forget()
    const gone = { bytes: 0, messages: 0 }
    await inTurns(this.messages, async (message) => {
      try {
        if (deleted.has(message)) {
          const sizeBytes = await this.#remove(message)
          if (sizeBytes === undefined) return
          gone.bytes -= sizeBytes
          gone.messages -= 1
        } else if (message.file.startsWith('new/')) await this.#see(message)
      } catch {
        if (deleted.has(message)) whole = false
      }
    })
    // Else a mailbox that was full would stay so until it is counted again.
    if (gone.messages < 0) await noteUsage(this.#doors.disk, this.#path, maildirsizeEntry(gone))
    return whole
  }

  /** @returns how much less counts for a quota; undefined where nothing does */
  async #remove(message: DropMessage): Promise<number | undefined> {
    const removed = await this.#removeFile(message.file)
    if (removed !== 'missing') return removed
    const file = await this.#find(message)
    const found = file === undefined ? 'missing' : await this.#removeFile(file)
    return found === 'missing' ? undefined : found
  }

  async #removeFile(file: string): Promise<number | 'missing' | undefined> {
    const { disk } = this.#doors
    const sizeBytes = await countedBytes(disk, this.#path, file)
    return (await done(disk.remove(`${this.#path}/${file}`))) ? sizeBytes : 'missing'
  }

  async #see({ file, unique }: DropMessage): Promise<void> {
    await done(this.#doors.disk.rename(`${this.#path}/${file}`, `${this.#path}/cur/${unique}:2,`))
  }

  #find({ unique }: DropMessage): Promise<string | undefined> {
    return this.#moved.find(unique)
  }
}

/** @returns false where the file is not there */
async function done(change: Promise<void>): Promise<boolean> {
  try {
    await change
    return true
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return false
    throw error
  }
}

async function listed(path: string, disk: Disk): Promise<readonly DropMessage[]> {
  const files = new Map<string, string>()
  for (const folder of ['new', 'cur']) {
    for (const name of await disk.list(`${path}/${folder}`)) {
      if (!name.startsWith('.')) files.set(uniqueName(name), `${folder}/${name}`)
    }
  }
  const found: { readonly at: number; readonly unique: string; readonly file: string }[] = []
  await inTurns([...files], async ([unique, file]) => {
    const at = await modifiedAt(`${path}/${file}`, disk)
    if (at !== undefined) found.push({ at, unique, file })
  })
  // The same order each time, also where files are as old as each other.
  return found
    .toSorted((a, b) => a.at - b.at || (a.unique < b.unique ? -1 : 1))
    .slice(0, mostMessages)
    .map(({ unique, file }, index) => ({ number: index + 1, uid: uidOf(unique), unique, file }))
}

/** @returns undefined where it is no file, or not there any more */
async function modifiedAt(path: string, disk: Disk): Promise<number | undefined> {
  const stat = await unlessMissing(disk.stat(path))
  return stat?.kind === 'file' ? stat.modifiedAt : undefined
}

async function removeStale(tmp: string, { disk, clock }: MaildropDoors): Promise<void> {
  const before = clock.now() - staleMs
  await inTurns(await disk.list(tmp), async (name) => {
    const at = await modifiedAt(`${tmp}/${name}`, disk)
    if (at !== undefined && at < before) await done(disk.remove(`${tmp}/${name}`))
  })
}

/** qmail-pop3d's where RFC 1939 allows it, so that nothing is fetched twice after a move from there. */
function uidOf(unique: string): string {
  return /^[!-~]{1,70}$/.test(unique)
    ? unique
    : createHash('sha256').update(unique).digest('base64url')
}

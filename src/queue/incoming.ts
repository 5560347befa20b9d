/**
 * Takes in what other programs have put into `incoming/`: at start, and whenever something appears there. A message is
 * committed under the name of its file, and the file is removed only then; a start finds the name in the log and does not
 * take the same file twice. The log keeps the record until the file is durably gone. What cannot be taken in now is
 * tried again; what is broken moves to `damaged/`.
 */
import type { Envelope } from '../mail/envelope.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Message } from '../mail/message.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Disk, DiskFile, DiskWatch } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { foreignEnvelope } from './foreign-envelope.ts'
import { handoverTime } from './hand-over.ts'
import { turnOf, type WaitingFile } from './handover-turns.ts'
import { copyHanded, openHanded, readEnd, systemCode } from './handed-file.ts'
import type { Draft, Placement } from './queue.ts'
import { Refusals, type Refused } from './refusals.ts'
import { unfinished, type SpoolLayout } from './spool-layout.ts'

/** Files that are taken in with one sync. */
const atOnce = 16
const retryMs = 10_000
/** Names that are looked at in one round: beyond them, in the next. */
const mostLooked = 20_000
/** One with more than this is taken in alone: 16 of them, and their recipients in memory, would be too much. */
const aloneBytes = 1 << 20
/** An unfinished file as old as this has lost its writer: qmail's 36 hours. */
const abandonedMs = 36 * 3_600_000

/**
 * Which recipients of a message get it under which reverse-path.
 * @throws PosternError where nobody knows now: it is taken in later
 */
export type HandedShares = (
  envelope: Envelope,
  message: Message,
) => Promise<readonly Pick<Envelope, 'reversePath' | 'recipients'>[]>

/** What was handed over and is promised now. */
export interface HandedOver {
  readonly ids: readonly [string, ...string[]]
  readonly envelope: Envelope
  readonly message: Message
}

export interface IncomingOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly layout: SpoolLayout
  /** Names whose messages are in the log already. */
  readonly takenIn: Iterable<string>
  /** A draft whose record will carry the name. */
  readonly begin: (name: string) => Draft
  /** Absent: as the envelope says. */
  readonly handedShares?: HandedShares
  /** Told of each; nothing waits for it, and it must not throw. */
  readonly handedOver?: (handed: HandedOver) => void
  /** These files are durably gone. */
  readonly gone: (names: readonly string[]) => void
}

export class Incoming {
  readonly #options: IncomingOptions
  /** In the log, and still in the folder. */
  readonly #takenIn: Set<string>
  readonly #refusals: Refusals
  #running: Promise<void> | undefined
  #again = false
  /** Of more names than are looked at in one round, the last of the round before. */
  #lookedUpTo = ''
  #closed = false
  #watch: DiskWatch | undefined
  #timer: Timer | undefined
  /** Ends when the last of those that are taken in alone is over. */
  #alone: Promise<unknown> = Promise.resolve()
  /** Files of this look that wait, and why the first of them does: one line in the log, however many they are. */
  #waiting:
    | { files: number; readonly first: { readonly name: string; readonly error: string } }
    | undefined

  constructor(options: IncomingOptions) {
    this.#options = options
    this.#takenIn = new Set(options.takenIn)
    this.#refusals = new Refusals(options)
  }

  /** Begins to look, and goes on until `close`. */
  open(): void {
    const { disk, layout } = this.#options
    this.#watch = disk.watch(layout.incoming, () => this.#look())
    this.#look()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watch?.close()
    this.#timer?.cancel()
    await this.#running
  }

  #look(): void {
    this.#again = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  async #run(): Promise<void> {
    const { disk, layout, log } = this.#options
    try {
      while (this.#again && !this.#closed) {
        this.#again = false
        this.#refusals.lookAnew()
        const found = (await disk.list(layout.incoming)).toSorted()
        const { names, isCut } = await this.#turn(this.#some(found))
        let taken = 0
        for (let at = 0; at < names.length && !this.#closed; at += atOnce) {
          taken += await this.#takeIn(names.slice(at, at + atOnce))
        }
        this.#tellOfWaiting()
        // Where nothing could be taken, what is left waits for the next try.
        if (!isCut && found.length <= mostLooked) continue
        if (taken > 0) this.#again = true
        else this.#lookLater()
      }
    } catch (error) {
      log.warn('spool.incoming-waits', { error: String(error) })
      this.#lookLater()
    }
  }

  /** So many names that they can be looked at: of more, others with each round. */
  #some(names: readonly string[]): readonly string[] {
    if (names.length <= mostLooked) return names
    const from = names.findIndex((name) => name > this.#lookedUpTo)
    const some = [...names.slice(Math.max(0, from)), ...names.slice(0, Math.max(0, from))]
    this.#lookedUpTo = some[mostLooked - 1] ?? ''
    return some.slice(0, mostLooked)
  }

  /** The names whose turn it is; among few there is nothing to share. */
  async #turn(
    names: readonly string[],
  ): Promise<{ readonly names: readonly string[]; readonly isCut: boolean }> {
    if (names.length <= atOnce) return { names, isCut: false }
    const [parts, whole] = [true, false].map((isPart) =>
      names.filter((name) => name.endsWith(unfinished) === isPart),
    )
    const files: WaitingFile[] = []
    for (let at = 0; at < (whole?.length ?? 0); at += atOnce) {
      const some = whole?.slice(at, at + atOnce) ?? []
      const stats = await Promise.all(some.map((name) => this.#owned(name)))
      files.push(...stats.flatMap((each) => each ?? []))
    }
    const { names: turn, isCut } = turnOf(files)
    return { names: [...turn, ...(parts ?? [])], isCut }
  }

  /** @returns undefined for what is gone, and for a folder */
  async #owned(name: string): Promise<WaitingFile | undefined> {
    const { disk, layout } = this.#options
    const stat = await unlessMissing(disk.statName(`${layout.incoming}/${name}`))
    if (stat === undefined || stat.kind === 'directory') return undefined
    return { name, uid: stat.uid, sizeBytes: stat.sizeBytes }
  }

  #tellOfWaiting(): void {
    if (this.#waiting === undefined) return
    const { files, first } = this.#waiting
    this.#waiting = undefined
    this.#options.log.warn('spool.handover-waits', { files, ...first })
  }

  #lookLater(): void {
    if (this.#closed) return
    this.#timer ??= this.#options.clock.after(retryMs, () => {
      this.#timer = undefined
      this.#look()
    })
  }

  /** @returns how many files left the folder */
  async #takeIn(names: readonly string[]): Promise<number> {
    const { disk, layout, gone } = this.#options
    const ended = await Promise.all(names.map((name) => this.#takeInOne(name)))
    const left = names.filter((_, index) => ended[index])
    if (left.length === 0) return 0
    await disk.syncDirectory(layout.incoming)
    gone(left)
    for (const name of left) this.#takenIn.delete(name)
    return left.length
  }

  /** @returns whether the file left the folder */
  async #takeInOne(name: string): Promise<boolean> {
    const { disk, layout } = this.#options
    const path = `${layout.incoming}/${name}`
    try {
      if (name.endsWith(unfinished)) return await this.#clear(name, path)
      if (!this.#takenIn.has(name)) {
        const came = await this.#commit(name, path)
        if (came === 'folder') return false
        if (came !== 'promised') {
          await this.#refusals.setAside(name, path, came)
          return true
        }
        this.#takenIn.add(name)
      }
      await disk.remove(path)
      return true
    } catch (error) {
      // Whoever owns it has moved it, or put a folder in its place.
      if (isPosternError(error, 'NOT_FOUND') || systemCode(error) === 'EISDIR') {
        return this.#takenIn.has(name)
      }
      if (!isPosternError(error, 'SPOOL_CLOSED')) this.#waits(name, error)
      this.#lookLater()
      return false
    }
  }

  #waits(name: string, error: unknown): void {
    this.#waiting ??= { files: 0, first: { name, error: String(error) } }
    this.#waiting.files += 1
  }

  /** @returns what it is instead of a message, or that it is promised */
  async #commit(name: string, path: string): Promise<'promised' | 'folder' | Refused> {
    const { disk, layout } = this.#options
    const file = await openHanded(disk, path)
    if (typeof file === 'string') return { problem: file }
    try {
      const { kind, uid, inode, sizeBytes, links } = await file.stat()
      if (kind === 'directory') return 'folder'
      if (kind !== 'file') return { problem: 'it is no file' }
      const isOurs = uid === 0 || uid === (await disk.stat(layout.incoming)).uid
      const origin = { inode, ...(isOurs ? {} : { foreign: uid }) }
      // Where hard links are not protected, whoever made this name need not own the file. It is kept: somebody may have
      // given a second name to what was handed over, a backup for one.
      if (links > 1) return { problem: 'the file has other names', ...origin }
      const take = async (): Promise<string | undefined> => this.#take({ name, file, uid, isOurs })
      const problem = await (sizeBytes > aloneBytes ? this.#oneByOne(take) : take())
      return problem === undefined ? 'promised' : { problem, ...origin }
    } finally {
      await file.close()
    }
  }

  #oneByOne<T>(take: () => Promise<T>): Promise<T> {
    const taken = this.#alone.then(take)
    this.#alone = taken.catch(() => undefined)
    return taken
  }

  /** @returns why it cannot be a message, or undefined once it is promised */
  async #take({ name, file, uid, isOurs }: HandedFile): Promise<string | undefined> {
    const { disk, layout, begin, log, handedShares, handedOver } = this.#options
    const found = await readEnd(file)
    if (typeof found === 'string') return found
    const { footer } = found
    const envelope = isOurs ? found.envelope : foreignEnvelope(found.envelope, uid)
    if (envelope === undefined) return 'it has an address that is none'
    await assertRoom(disk, layout, footer.messageBytes)
    const draft = begin(name)
    try {
      if (!(await copyHanded(file, footer, draft)))
        return 'the checksum of the message does not hold'
      const message = await draft.end()
      const [first = envelope, ...others] = (await handedShares?.(envelope, message)) ?? []
      const placed = (share: typeof first): Placement => ({
        envelope: { ...envelope, ...share },
        disposition: 'deliver',
        headerEdits: [],
      })
      const { ids } = await draft.commit([placed(first), ...others.map(placed)])
      const sizeBytes = footer.messageBytes
      log.info('spool.handover-queued', { name, queueId: ids[0], sizeBytes, uid })
      handedOver?.({ ids, envelope, message })
      return undefined
    } finally {
      draft.abort()
    }
  }

  /** Somebody may be writing it; nobody does for days. */
  async #clear(name: string, path: string): Promise<boolean> {
    const { disk, clock, log } = this.#options
    const begunAt = handoverTime(name)
    if (begunAt === undefined || clock.now() - begunAt < abandonedMs) return false
    log.info('spool.handover-abandoned', { path })
    await disk.remove(path)
    return true
  }
}

interface HandedFile {
  readonly name: string
  readonly file: DiskFile
  readonly uid: number
  /** The gateway's own user has written it, or root. */
  readonly isOurs: boolean
}

/**
 * A file with holes says that it is larger than any disk: it must not fill ours again and again.
 * @throws PosternError DISK_FULL
 */
async function assertRoom(disk: Disk, { root }: SpoolLayout, bytes: number): Promise<void> {
  if (bytes <= aloneBytes) return
  const { freeBytes } = await disk.space(root)
  if (bytes <= freeBytes / 2) return
  throw new PosternError('DISK_FULL', `a message of ${bytes} bytes, with ${freeBytes} bytes free`)
}

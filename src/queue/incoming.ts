/**
 * Takes in what other programs have put into `incoming/`: at start, and whenever something appears there. A message is
 * committed under the name of its file, and the file is removed only then; a start finds the name in the log and does not
 * take the same file twice. The log keeps the record until the file is durably gone. What cannot be taken in now is
 * tried again; what is broken moves to `damaged/`.
 */
import { crc32 } from 'node:zlib'
import type { Envelope } from '../mail/envelope.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Disk, DiskFile, DiskWatch } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { setAsideFile } from './damaged.ts'
import { foreignEnvelope } from './foreign-envelope.ts'
import { handoverTime } from './hand-over.ts'
import {
  decodeHandoverEnvelope,
  decodeHandoverFooter,
  footerBytes,
  type HandoverFooter,
} from './handover-file.ts'
import type { Draft } from './queue.ts'
import { unfinished, type SpoolLayout } from './spool-layout.ts'

const pieceBytes = 1 << 18
/** Files that are taken in with one sync. */
const atOnce = 16
const retryMs = 10_000
/** An unfinished file as old as this has lost its writer: qmail's 36 hours. */
const abandonedMs = 36 * 3_600_000

export interface IncomingOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly layout: SpoolLayout
  /** Names whose messages are in the log already. */
  readonly takenIn: Iterable<string>
  /** A draft whose record will carry the name. */
  readonly begin: (name: string) => Draft
  /** These files are durably gone. */
  readonly gone: (names: readonly string[]) => void
}

export class Incoming {
  readonly #options: IncomingOptions
  /** In the log, and still in the folder. */
  readonly #takenIn: Set<string>
  #running: Promise<void> | undefined
  #again = false
  #closed = false
  #watch: DiskWatch | undefined
  #timer: Timer | undefined

  constructor(options: IncomingOptions) {
    this.#options = options
    this.#takenIn = new Set(options.takenIn)
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
        const names = (await disk.list(layout.incoming)).toSorted()
        for (let at = 0; at < names.length && !this.#closed; at += atOnce) {
          await this.#takeIn(names.slice(at, at + atOnce))
        }
      }
    } catch (error) {
      log.warn('spool.incoming-waits', { error: String(error) })
      this.#lookLater()
    }
  }

  #lookLater(): void {
    if (this.#closed) return
    this.#timer ??= this.#options.clock.after(retryMs, () => {
      this.#timer = undefined
      this.#look()
    })
  }

  async #takeIn(names: readonly string[]): Promise<void> {
    const { disk, layout, gone } = this.#options
    const ended = await Promise.all(names.map((name) => this.#takeInOne(name)))
    const left = names.filter((_, index) => ended[index])
    if (left.length === 0) return
    await disk.syncDirectory(layout.incoming)
    gone(left)
    for (const name of left) this.#takenIn.delete(name)
  }

  /** @returns whether the file left the folder */
  async #takeInOne(name: string): Promise<boolean> {
    const { disk, layout, log } = this.#options
    const path = `${layout.incoming}/${name}`
    try {
      if (name.endsWith(unfinished)) return await this.#clear(name, path)
      if (!this.#takenIn.has(name)) {
        if (await isFolder(disk, path)) return false
        const problem = await this.#commit(name, path)
        if (problem !== undefined) {
          log.error('spool.handover-damaged', { name, problem })
          await setAsideFile(disk, { from: path, folder: layout.damaged, name, kind: 'incoming' })
          return true
        }
        this.#takenIn.add(name)
      }
      await disk.remove(path)
      return true
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return false
      if (!isPosternError(error, 'SPOOL_CLOSED')) {
        log.warn('spool.handover-waits', { name, error: String(error) })
      }
      this.#lookLater()
      return false
    }
  }

  /** @returns why it cannot be a message, or undefined once it is promised */
  async #commit(name: string, path: string): Promise<string | undefined> {
    const { disk, layout, begin, log } = this.#options
    const file = await openFile(disk, path)
    if (file === undefined) return 'it is a link'
    try {
      const { kind, uid } = await file.stat()
      if (kind !== 'file') return 'it is no file'
      const found = await readEnd(file)
      if (typeof found === 'string') return found
      const { footer } = found
      const isOurs = uid === (await disk.stat(layout.incoming)).uid
      const envelope = isOurs ? found.envelope : foreignEnvelope(found.envelope, uid)
      if (envelope === undefined) return 'it has an address that is none'
      const draft = begin(name)
      try {
        if (!(await copied(file, footer, draft))) return 'the checksum of the message does not hold'
        await draft.end()
        const { ids } = await draft.commit([{ envelope, disposition: 'deliver', headerEdits: [] }])
        log.info('spool.handover-queued', {
          name,
          queueId: ids[0],
          sizeBytes: footer.messageBytes,
          uid,
        })
        return undefined
      } finally {
        draft.abort()
      }
    } finally {
      await file.close()
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

/** A link that leads nowhere is none. */
async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)).kind === 'directory'
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return false
    throw error
  }
}

/** @returns undefined for a symbolic link, which would lead to what its maker may not read */
async function openFile(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, 'foreign')
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (cause instanceof Error && 'code' in cause && cause.code === 'ELOOP') return undefined
    throw error
  }
}

/** @returns what is wrong with the file, where it is none of ours */
export async function readEnd(
  file: DiskFile,
): Promise<{ readonly footer: HandoverFooter; readonly envelope: Envelope } | string> {
  const { sizeBytes } = await file.stat()
  const at = Math.max(0, sizeBytes - footerBytes)
  const footer = decodeHandoverFooter(await file.read(at, footerBytes), sizeBytes)
  if (footer === undefined) return 'its end is missing or damaged'
  const envelope = decodeHandoverEnvelope(
    await file.read(footer.messageBytes, footer.envelopeBytes),
    footer,
  )
  return envelope === undefined ? 'its envelope is damaged' : { footer, envelope }
}

/** @returns whether the bytes are those that were handed over */
async function copied(
  file: DiskFile,
  { messageBytes, messageCrc }: HandoverFooter,
  draft: Draft,
): Promise<boolean> {
  let crc = 0
  for (let at = 0; at < messageBytes; at += pieceBytes) {
    const wanted = Math.min(pieceBytes, messageBytes - at)
    const piece = await file.read(at, wanted)
    if (piece.length < wanted) return false
    crc = crc32(piece, crc)
    await draft.write(piece)
  }
  return crc === messageCrc
}

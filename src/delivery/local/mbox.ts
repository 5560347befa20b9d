/**
 * Delivery into an mbox file (mbox.5). Promises: without trouble, the message is on stable storage behind what was there.
 * With trouble the file is as long as it was.
 */
import { dirname } from 'node:path'
import { isPosternError } from '../../mail/errors.ts'
import type { Disk, DiskFile } from '../../runtime/disk.ts'
import type { FileLocks } from '../../runtime/file-locks.ts'
import { fileName } from './dot-qmail-file.ts'
import type { DeliveryLines } from './local-address.ts'
import { reasonOf, soft, type Trouble } from './trouble.ts'

export interface MboxDelivery {
  /** Relative paths begin at `home`. */
  readonly path: string
  readonly home: string
  readonly lines: DeliveryLines
  /** With LF line ends. */
  readonly message: AsyncIterable<Uint8Array>
}

export interface MboxDoors {
  readonly disk: Disk
  readonly locks: Pick<FileLocks, 'takeMbox'>
}

const lockTimeoutMs = 30_000
const lf = 0x0a

export async function deliverToMbox(
  { disk, locks }: MboxDoors,
  { path, home, lines, message }: MboxDelivery,
): Promise<Trouble | undefined> {
  const absolute = fileName(path.startsWith('/') ? path : `${home}/${path}`)
  try {
    // What cannot be opened at all is said first; there is something to lock then.
    await (await disk.open(absolute, 'open')).close()
  } catch (error) {
    return soft(`Unable to open ${path}: ${reasonOf(error)}. (#4.2.1)`)
  }
  try {
    const lock = await locks.takeMbox(absolute, lockTimeoutMs)
    try {
      return await appendTo(disk, absolute, { path, parts: quoted(lines, message) })
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (isPosternError(error, 'TIMEOUT')) {
      return soft('File has been locked for 30 seconds straight. (#4.3.0)')
    }
    return soft(`Unable to lock ${path}: ${reasonOf(error)}. (#4.3.0)`)
  }
}

/** Opened under the lock, never before: a mail reader that had it may have put another file in its place. */
async function appendTo(
  disk: Disk,
  absolute: string,
  { path, parts }: Pick<Appending, 'path' | 'parts'>,
): Promise<Trouble | undefined> {
  const file = await disk.open(absolute, 'open')
  try {
    return await append(file, { path, parts, created: () => syncName(disk, absolute) })
  } finally {
    await file.close()
  }
}

/** The name of a file that we made. A folder that we may not read, as a system's spool may be, syncs when it will. */
async function syncName(disk: Disk, path: string): Promise<void> {
  await disk.syncDirectory(dirname(path)).catch((error: unknown) => {
    if (!isPosternError(error)) throw error
  })
}

interface Appending {
  readonly path: string
  readonly parts: AsyncIterable<Uint8Array>
  /** What is to be done where the file was empty, and may be new. */
  readonly created: () => Promise<void>
}

async function append(
  file: DiskFile,
  { path, parts, created }: Appending,
): Promise<Trouble | undefined> {
  const { sizeBytes: before } = await file.stat()
  try {
    let at = before
    for await (const part of parts) {
      await file.write([part], at)
      at += part.length
    }
    await file.sync()
    if (before === 0) await created()
    return undefined
  } catch (error) {
    await file.truncate(before).catch(() => undefined)
    return soft(`Unable to write ${path}: ${reasonOf(error)}. (#4.3.0)`)
  }
}

/** The message as an mbox has it: what looks like the beginning of another one gets a `>`, and an empty line ends it. */
async function* quoted(
  lines: DeliveryLines,
  message: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield Buffer.from(lines.from + lines.returnPath + lines.deliveredTo, 'latin1')
  const quoting = new FromQuoting()
  for await (const chunk of message) yield quoting.convert(chunk)
  yield quoting.end()
}

const fromLine = Buffer.from('From ')
const quote = 0x3e

/**
 * Puts a `>` into each line of the form `>*From `, whatever the chunks: right before the `From `, which is the same as
 * in front and lets the quotes go as they come.
 */
class FromQuoting {
  /** How much of `From ` has been seen behind the quotes of this line; `undefined`: it is another line. */
  #matched: number | undefined = 0
  #last = lf

  convert(chunk: Uint8Array): Uint8Array {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const out: Uint8Array[] = []
    let at = 0
    while (at < bytes.length) {
      if (this.#matched === undefined) {
        const end = bytes.indexOf(lf, at)
        const next = end < 0 ? bytes.length : end + 1
        out.push(bytes.subarray(at, next))
        if (end >= 0) this.#matched = 0
        at = next
      } else {
        out.push(this.#match(bytes[at] ?? 0, this.#matched))
        at += 1
      }
    }
    this.#last = bytes.at(-1) ?? this.#last
    return Buffer.concat(out)
  }

  end(): Uint8Array {
    const held = fromLine.subarray(0, this.#matched ?? 0)
    return Buffer.concat([held, Buffer.from(this.#last === lf ? '\n' : '\n\n')])
  }

  /** @returns what can go out now */
  #match(byte: number, matched: number): Uint8Array {
    if (byte === quote && matched === 0) return Buffer.of(quote)
    const held = fromLine.subarray(0, matched)
    if (byte !== fromLine[matched]) {
      this.#matched = byte === lf ? 0 : undefined
      return Buffer.from([...held, byte])
    }
    if (matched + 1 < fromLine.length) {
      this.#matched = matched + 1
      return Buffer.alloc(0)
    }
    this.#matched = undefined
    return Buffer.from([quote, ...fromLine])
  }
}

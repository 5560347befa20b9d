/**
 * Records whose checksum does not hold: their bytes are copied to `damaged/` under a line that says why, one file each.
 * Nothing is ever deleted there but by the operator; setting the same record aside again changes nothing.
 */
import { posix } from 'node:path'
import type { Envelope } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import type { Message } from '../mail/message.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import { exists } from '../runtime/missing.ts'
import { decodeMessageMeta, envelopeOf } from './message-meta.ts'
import { queueId } from './queue-id.ts'
import type { Damaged, QueueId } from './queue.ts'
import { headerBytes, readHeader, readMeta } from './record.ts'
import { unfinished } from './spool-layout.ts'

/** The line that says why is within these first bytes. */
const maxReasonBytes = 1_024
/** Of a record with thousands of recipients. */
const maxFrontBytes = 1 << 20

/** @returns where it lies now. @throws PosternError DISK_FULL, DISK_FAILED */
export function setAside(
  disk: Disk,
  folder: string,
  { name, reason, bytes }: { name: string; reason: string; bytes: Uint8Array },
): Promise<string> {
  return writeAside(disk, `${folder}/${name}`, (file) =>
    file.write([Buffer.from(`${reason}\n`), bytes], 0),
  )
}

/** The same of a message that was not taken, however large. @throws PosternError DISK_FULL, DISK_FAILED */
export function setMessageAside(
  disk: Disk,
  folder: string,
  { name, reason, message }: { name: string; reason: string; message: Message },
): Promise<string> {
  return writeAside(disk, `${folder}/${name}`, async (file) => {
    const line = Buffer.from(`${reason}\n`)
    await file.write([line], 0)
    let at = line.length
    for await (const chunk of message.read()) {
      await file.write([chunk], at)
      at += chunk.length
    }
  })
}

/** Under its name only when it is whole. @returns `path`, also where it was there before */
async function writeAside(
  disk: Disk,
  path: string,
  write: (file: DiskFile) => Promise<void>,
): Promise<string> {
  if (await exists(disk, path)) return path
  const file = await disk.open(path + unfinished, 'open')
  try {
    await file.truncate(0)
    await write(file)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(path + unfinished, path)
  await disk.syncDirectory(posix.dirname(path))
  return path
}

/** Ends the names of what was being written when the gateway or the power went, and hardly promised. */
export const unprovenSuffix = '.tail'

/** @param name of a file of `damaged/` */
export function isUnproven(name: string): boolean {
  return name.replace(/\.large$/, '').endsWith(unprovenSuffix)
}

/** Files that are moved to `damaged/` as they are, under a name that ends in their kind. */
const kinds = {
  large: 'a large message whose record is damaged',
  incoming: 'a message handed over by another program that is not whole',
  foreign: 'what a user of this host has put into incoming, and is no whole message',
} as const

/** Moved here under the name that it had, which somebody else chose, and with bytes of theirs. @param name of a file of `damaged/` */
export function isHandedOver(name: string): boolean {
  return /\.(?:incoming|foreign)$/.test(name)
}

/** Whether anybody on the host could have put it there: it says nothing of the disk. @param name of a file of `damaged/` */
export function isForeign(name: string): boolean {
  return name.endsWith('.foreign')
}

interface FileToSetAside {
  readonly from: string
  readonly folder: string
  readonly name: string
  readonly kind: keyof typeof kinds
  /** Of a file whose name somebody else chose. */
  readonly inode?: number | undefined
}

/** Moves a file of `large/` that no whole record speaks of, since a damaged one may; or what was not handed over whole. */
export async function setAsideFile(
  disk: Disk,
  { from, folder, name, kind, inode = 0 }: FileToSetAside,
): Promise<void> {
  const usual = `${folder}/${name}.${kind}`
  const isUsable = /^[!-~]{1,200}$/.test(name) && !(await exists(disk, usual))
  // No two files that exist have one number.
  const other = `${folder}/${name.replace(/[^!-~]/g, '?').slice(0, 200)}-${inode}.${kind}`
  await disk.rename(from, isUsable ? usual : other)
  await disk.syncDirectory(folder)
}

/** Sorted; none where the folder is missing. */
export async function namesOfDamaged(disk: Disk, folder: string): Promise<readonly string[]> {
  if (!(await exists(disk, folder))) return []
  const names = await disk.list(folder)
  return names.filter((name) => !name.endsWith(unfinished)).toSorted()
}

export async function* listDamaged(disk: Disk, folder: string): AsyncIterable<Damaged> {
  for (const name of await namesOfDamaged(disk, folder)) {
    const path = `${folder}/${name}`
    const reason = await reasonIn(disk, path)
    const unproven = isUnproven(name)
    yield { damaged: true, path, reason, ...(unproven ? { unproven } : {}) }
  }
}

/** A file in `damaged/`, with what can still be read of it. */
export interface DamagedFile {
  readonly path: string
  readonly reason: string
  /** It was being written when the gateway or the power went, and hardly promised. */
  readonly unproven: boolean
  readonly sizeBytes: number
  /** When its file was last written: when it was set aside, or, for a large file, when it came. */
  readonly setAsideAt: Instant
  /** What its record held; empty where nothing tells. */
  readonly messages: readonly DamagedMessage[]
}

export interface DamagedMessage {
  readonly id: QueueId
  readonly receivedAt: Instant
  readonly envelope: Envelope
  /** The checksum over these facts holds; else they are what the bytes seem to say. */
  readonly certain: boolean
}

/** Everything in `damaged/`, by name. @throws PosternError DISK_FAILED */
export async function* damagedFiles(disk: Disk, folder: string): AsyncIterable<DamagedFile> {
  for await (const { path, reason, unproven = false } of listDamaged(disk, folder)) {
    const { sizeBytes, modifiedAt } = await disk.stat(path)
    const isRecord = !path.endsWith('.large') && !isHandedOver(path)
    const messages = isRecord ? await messagesIn(disk, path) : []
    yield { path, reason, unproven, sizeBytes, setAsideAt: modifiedAt, messages }
  }
}

async function messagesIn(disk: Disk, path: string): Promise<readonly DamagedMessage[]> {
  const file = await disk.open(path, 'read')
  try {
    const start = Buffer.from(await file.read(0, maxReasonBytes + maxFrontBytes))
    const bytes = start.subarray(start.indexOf('\n') + 1)
    const header = readHeader(bytes, 0)
    if (header?.type !== 'message' || header.generation < generationIn(path)) return []
    const checked = readMeta(bytes, 0, header)
    const end = headerBytes + header.metaBytes
    const meta = decodeMessageMeta(checked ?? bytes.toString('utf8', headerBytes, end))
    const certain = checked !== undefined
    return (meta?.placements ?? []).flatMap((placement) => {
      const envelope = envelopeOf(placement)
      if (meta === undefined || envelope === undefined) return []
      const { receivedAt } = meta
      return { id: queueId(placement.number), receivedAt, envelope, certain }
    })
  } finally {
    await file.close()
  }
}

/** The generation of the log that it was damaged in. What is older was left of messages that are long gone. */
function generationIn(path: string): number {
  return Number(/^(\d+)-\d+-[0-9a-f]{8}(?:\.tail)?$/.exec(posix.basename(path))?.[1] ?? 0)
}

async function reasonIn(disk: Disk, path: string): Promise<string> {
  const moved = Object.entries(kinds).find(([kind]) => path.endsWith(`.${kind}`))
  if (moved !== undefined) return moved[1]
  const file = await disk.open(path, 'read')
  try {
    const start = Buffer.from(await file.read(0, maxReasonBytes)).toString('latin1')
    return start.slice(0, Math.max(0, start.indexOf('\n'))) || 'unknown'
  } finally {
    await file.close()
  }
}

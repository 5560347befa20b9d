/**
 * Records whose checksum does not hold: their bytes are copied to `damaged/` under a line that says why, one file each.
 * Nothing is ever deleted there but by the operator; setting the same record aside again changes nothing.
 */
import { isPosternError } from '../mail/errors.ts'
import type { Message } from '../mail/message.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Damaged } from './queue.ts'

/** The line that says why is within these first bytes. */
const maxReasonBytes = 1_024
const unfinished = '.part'

/** @returns where it lies now. @throws PosternError DISK_FULL, DISK_FAILED */
export async function setAside(
  disk: Disk,
  folder: string,
  { name, reason, bytes }: { name: string; reason: string; bytes: Uint8Array },
): Promise<string> {
  const path = `${folder}/${name}`
  if (await exists(disk, path)) return path
  const file = await disk.open(path + unfinished, 'open')
  try {
    await file.truncate(0)
    await file.write([Buffer.from(`${reason}\n`), bytes], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(path + unfinished, path)
  await disk.syncDirectory(folder)
  return path
}

/** The same of a message that was not taken, however large. @throws PosternError DISK_FULL, DISK_FAILED */
export async function setMessageAside(
  disk: Disk,
  folder: string,
  { name, reason, message }: { name: string; reason: string; message: Message },
): Promise<string> {
  const path = `${folder}/${name}`
  if (await exists(disk, path)) return path
  const file = await disk.open(path + unfinished, 'open')
  try {
    await file.truncate(0)
    const line = Buffer.from(`${reason}\n`)
    await file.write([line], 0)
    let at = line.length
    for await (const chunk of message.read()) {
      await file.write([chunk], at)
      at += chunk.length
    }
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(path + unfinished, path)
  await disk.syncDirectory(folder)
  return path
}

/** Moves a file of `large/` that no whole record speaks of, since a damaged one may. */
export async function setAsideFile(
  disk: Disk,
  { from, folder, name }: { from: string; folder: string; name: string },
): Promise<void> {
  await disk.rename(from, `${folder}/${name}.large`)
  await disk.syncDirectory(folder)
}

export async function* listDamaged(disk: Disk, folder: string): AsyncIterable<Damaged> {
  if (!(await exists(disk, folder))) return
  const names = (await disk.list(folder)).filter((name) => !name.endsWith(unfinished))
  for (const name of names.toSorted()) {
    const path = `${folder}/${name}`
    yield { damaged: true, path, reason: await reasonIn(disk, path) }
  }
}

async function reasonIn(disk: Disk, path: string): Promise<string> {
  if (path.endsWith('.large')) return 'a large message whose record is damaged'
  const file = await disk.open(path, 'read')
  try {
    const start = Buffer.from(await file.read(0, maxReasonBytes)).toString('latin1')
    return start.slice(0, Math.max(0, start.indexOf('\n'))) || 'unknown'
  } finally {
    await file.close()
  }
}

export async function exists(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.stat(path)
    return true
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return false
    throw error
  }
}

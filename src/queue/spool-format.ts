/** The version of a spool's format, in a file of its own: a newer spool is refused before anything in it is read. */
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'
import { formatVersion } from './record.ts'
import type { SpoolLayout } from './spool-layout.ts'

const maxFormatBytes = 4_096

/** @returns whether the file is there and whole. @throws PosternError SPOOL_NEWER */
export async function checkFormat(disk: Disk, { format, root }: SpoolLayout): Promise<boolean> {
  const text = await readText(disk, format)
  const version = /^postern spool (\d{1,9})\n/.exec(text)?.[1]
  if (Number(version) > formatVersion) {
    throw new PosternError('SPOOL_NEWER', `${root} has format ${version}, this is ${formatVersion}`)
  }
  return version !== undefined
}

/** Durable when this resolves. */
export async function writeFormat(disk: Disk, { format, root }: SpoolLayout): Promise<void> {
  const file = await disk.open(format, 'open')
  try {
    await file.truncate(0)
    await file.write([Buffer.from(`postern spool ${formatVersion}\n`)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.syncDirectory(root)
}

async function readText(disk: Disk, path: string): Promise<string> {
  try {
    return Buffer.from(await disk.readFile(path, maxFormatBytes)).toString('latin1')
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return ''
    throw error
  }
}

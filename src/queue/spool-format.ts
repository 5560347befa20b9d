/** The version of a spool's format, in a file of its own: a newer spool is refused before anything in it is read. */
import { PosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { replaceFile } from '../runtime/replace-file.ts'
import { formatVersion } from './record.ts'
import { lostKey, noKeys, readSpoolKey, type SpoolKey } from './spool-key.ts'
import type { SpoolLayout } from './spool-layout.ts'

const maxFormatBytes = 4_096

/** @returns undefined where the file is missing or not whole. @throws PosternError SPOOL_NEWER */
export async function checkFormat(
  disk: Disk,
  { format, root }: SpoolLayout,
): Promise<number | undefined> {
  const text = await readText(disk, format)
  const version = /^postern spool (\d{1,9})\n/.exec(text)?.[1]
  if (version === undefined) return undefined
  if (Number(version) > formatVersion) {
    throw new PosternError('SPOOL_NEWER', `${root} has format ${version}, this is ${formatVersion}`)
  }
  return Number(version)
}

/**
 * By what the records of a spool are known. In format 1 nothing has a key, whatever a move to format 2 that was cut short
 * has left.
 */
export async function keyIn(
  disk: Disk,
  layout: SpoolLayout,
  version: number | undefined,
): Promise<SpoolKey> {
  if (version === 1) return noKeys
  return (await readSpoolKey(disk, layout)) ?? lostKey
}

/** Durable when this resolves, and there whole or as it was before. @throws PosternError DISK_FULL, DISK_FAILED */
export async function writeFormat(disk: Disk, { format }: SpoolLayout): Promise<void> {
  await replaceFile(disk, format, Buffer.from(`postern spool ${formatVersion}\n`))
}

async function readText(disk: Disk, path: string): Promise<string> {
  const bytes = await unlessMissing(disk.readFile(path, maxFormatBytes))
  return Buffer.from(bytes ?? []).toString('latin1')
}

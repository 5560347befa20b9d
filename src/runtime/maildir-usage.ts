/** What a Maildir holds, as Maildir++ counts it: of each message, and what came and went in `maildirsize`. */
import { isPosternError } from '../mail/errors.ts'
import type { Disk } from './disk.ts'
import { unlessMissing } from './missing.ts'

/**
 * @param name of a file in new/ or cur/, which may say its size
 * @returns undefined for what does not count: it has the flag T (trashed), or is gone. @throws PosternError DISK_FAILED
 */
export async function countedBytes(
  disk: Pick<Disk, 'stat'>,
  folder: string,
  name: string,
): Promise<number | undefined> {
  if (/:2,[A-Z]*T/.test(name)) return undefined
  const [, size] = /,S=(\d{1,15})(?=[,:]|$)/.exec(name) ?? []
  if (size !== undefined) return Number(size)
  return (await unlessMissing(disk.stat(`${folder}/${name}`)))?.sizeBytes
}

/**
 * Writes down what came, or went, behind whatever others have written by then; a sum that cannot be kept is forgotten, and
 * counted anew. Without one there is nothing to keep.
 * @param entry a line of maildirsize
 */
export async function noteUsage(disk: Disk, maildir: string, entry: string): Promise<void> {
  const name = `${maildir}/maildirsize`
  try {
    const file = await unlessMissing(disk.open(name, 'append'))
    if (file === undefined) return
    try {
      await file.write([Buffer.from(entry)], 0)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!isPosternError(error)) throw error
    await disk.remove(name).catch(() => undefined)
  }
}

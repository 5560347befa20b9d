/** Folders of the gateway's own whose place a file has: found before the start, which would fail at them. */
import type { Configuration } from '../config/configuration.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'
import { wantsOwn } from './certificates.ts'

/** What is not there yet is made at the first start. */
export async function folderMistakes(
  { spool, tls, listeners, delivery, receiver }: Configuration,
  disk: Disk,
): Promise<readonly Mistake[]> {
  const folders = [
    ['spool.path', spool.path],
    ...(listeners.some(wantsOwn) ? [['tls.path', tls.path] as const] : []),
    ...(delivery.local === 'maildirs' ? [['delivery.maildirs', delivery.maildirs] as const] : []),
  ] as const
  const { file } = receiver.place
  const found = await Promise.all(
    folders.map(async ([key, path]): Promise<readonly Mistake[]> => {
      if (!(await isNoFolder(path, disk))) return []
      return [{ file, key, problem: `${path} is no folder`, remedy: 'name one, or move it away' }]
    }),
  )
  return found.flat()
}

async function isNoFolder(path: string, disk: Disk): Promise<boolean> {
  try {
    return (await disk.stat(path)).kind !== 'directory'
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}

import { dirname } from 'node:path'
import type { Disk } from './disk.ts'

/** Puts a file in the place of another: there as a whole or not at all, the new bytes durable before they take it. */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.new`
  const file = await disk.open(beside, 'open')
  try {
    await file.truncate(0)
    await file.write([bytes], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(beside, path)
  await disk.syncDirectory(dirname(path))
}

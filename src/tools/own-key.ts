/**
 * A key that nobody else need know, such as the one that signs the links of quarantine digests: a file of its owner alone, made
 * where there is none.
 */
import { dirname } from 'node:path'
import { isPosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Random } from '../runtime/random.ts'

const keyBytes = 32
const mostBytes = 1024

/** @throws PosternError DISK_FULL, DISK_FAILED; Error where the file is too short to be a key */
export async function ownKey(
  path: string,
  { disk, random }: { readonly disk: Disk; readonly random: Random },
): Promise<Uint8Array> {
  const known = await read(path, disk)
  if (known !== undefined) return known
  await disk.makeDirectory(dirname(path))
  const fresh = `${path}.${Buffer.from(random.bytes(6)).toString('hex')}`
  const file = await disk.open(fresh, 'create')
  try {
    await file.write([random.bytes(keyBytes)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  // Another worker may have been faster: whose key lies there in the end signs from then on.
  await disk.rename(fresh, path)
  await disk.syncDirectory(dirname(path))
  return (await read(path, disk)) ?? new Uint8Array()
}

async function read(path: string, disk: Disk): Promise<Uint8Array | undefined> {
  try {
    const key = await disk.readFile(path, mostBytes)
    if (key.length < keyBytes / 2) throw new Error(`${path} is too short to be a key`)
    return key
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

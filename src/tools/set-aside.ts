/** Databases that were damaged, set aside beside those that are in use now: `store.db.damaged-1700000000000`. */
import { basename, dirname, join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'

/** @returns their paths, none where the folder cannot be read */
export async function databasesSetAside(
  disk: Pick<Disk, 'list'>,
  { store, traces }: Pick<Configuration, 'store' | 'traces'>,
): Promise<readonly string[]> {
  const found = await Promise.all([store.path, traces.path].map((path) => besides(disk, path)))
  return found.flat()
}

async function besides(disk: Pick<Disk, 'list'>, path: string): Promise<readonly string[]> {
  const prefix = `${basename(path)}.damaged-`
  try {
    const names = await disk.list(dirname(path))
    return names
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .toSorted()
      .map((name) => join(dirname(path), name))
  } catch (error) {
    if (isPosternError(error)) return []
    throw error
  }
}

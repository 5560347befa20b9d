/** For whoever looks whether a thing is there: NOT_FOUND, and nothing else, becomes `undefined`. */
import { isPosternError } from '../mail/errors.ts'
import type { Disk } from './disk.ts'

/** @throws what `work` throws but NOT_FOUND */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** The same without waiting. */
export function unlessMissingNow<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** @throws PosternError DISK_FAILED where nobody can tell */
export async function exists(disk: Pick<Disk, 'stat'>, path: string): Promise<boolean> {
  return (await unlessMissing(disk.stat(path))) !== undefined
}

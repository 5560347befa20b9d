/** Files below a folder with their times, for what lies on the disk in trees: nothing is opened, no time is changed. */
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { PosternError } from '../../mail/errors.ts'

export interface WalkedFile {
  /** The names on the way to it, from the folder. */
  readonly names: readonly string[]
  readonly modifiedAt: number
  readonly accessedAt: number
}

/** @param depth no file lies deeper. @throws PosternError NOT_FOUND, DISK_FAILED */
export async function* walkFiles(folder: string, depth: number): AsyncGenerator<WalkedFile, void> {
  yield* walk(folder, [], depth)
}

async function* walk(
  folder: string,
  names: readonly string[],
  depth: number,
): AsyncGenerator<WalkedFile, void> {
  const path = join(folder, ...names)
  for (const entry of await read(path)) {
    const below = [...names, entry.name]
    if (entry.isDirectory() && depth > 1) yield* walk(folder, below, depth - 1)
    if (!entry.isFile()) continue
    const { mtimeMs, atimeMs } = await fs.stat(join(folder, ...below))
    yield { names: below, modifiedAt: Math.floor(mtimeMs), accessedAt: Math.floor(atimeMs) }
  }
}

async function read(path: string) {
  try {
    return await fs.readdir(path, { withFileTypes: true })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTDIR')
      throw new PosternError('NOT_FOUND', `a folder ${path}`, { cause: error })
    throw new PosternError(code === 'ENOENT' ? 'NOT_FOUND' : 'DISK_FAILED', path, { cause: error })
  }
}

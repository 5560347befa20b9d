import { dirname, join, basename, resolve } from 'node:path'
import { PosternError } from '../../mail/errors.ts'
import { realPath } from '../../runtime/node/edit-file.ts'

/**
 * Where a folder really is, or will be when it is made: behind every symbolic link of its path.
 * @throws PosternError DISK_FAILED
 */
async function whereItLies(folder: string): Promise<string> {
  const path = resolve(folder)
  const there = await realPath(path)
  if (there !== undefined || dirname(path) === path) return there ?? path
  return join(await whereItLies(dirname(path)), basename(path))
}

/**
 * Nothing is written into an installation, by whatever name it is called.
 * @throws PosternError CONFIG_INVALID where the folder lies in the tree, DISK_FAILED
 */
export async function refuseInside(tree: string, folder: string): Promise<void> {
  const [source, target] = [await whereItLies(tree), await whereItLies(folder)]
  if (target !== source && !target.startsWith(`${source}/`)) return
  throw new PosternError('CONFIG_INVALID', `${folder} lies in ${tree}, where nothing is written`)
}

/** Writes what was planned into a new folder; the installation is never touched. */
import { dirname, join, resolve } from 'node:path'
import { PosternError } from '../../mail/errors.ts'
import type { Disk } from '../../runtime/disk.ts'
import { unlessMissing } from '../../runtime/missing.ts'
import { replaceFile } from '../../runtime/replace-file.ts'
import { carryOut } from '../import-vpopmail.ts'
import { withAccounts } from '../user-accounts.ts'
import { refuseInside } from './outside.ts'
import type { QmailImport } from './plan.ts'

/**
 * @param folder where the configuration goes; made if missing
 * @throws PosternError CONFIG_INVALID where there is one already and `force` is not given
 */
export async function writeImport(
  disk: Disk,
  planned: QmailImport,
  {
    folder,
    force,
    tree,
    told,
  }: {
    readonly folder: string
    readonly force: boolean
    readonly tree: string
    /** Called for each user of a vpopmail, of which there may be many thousands. */
    readonly told?: (done: number, all: number) => void
  },
): Promise<void> {
  const target = resolve(folder)
  await refuseInside(tree, target)
  if (!force && !(await isEmpty(disk, target))) {
    throw new PosternError('CONFIG_INVALID', `${folder} is not empty: name another, or say --force`)
  }
  const files = new Map([...planned.files, ['postern.yaml', Buffer.from(planned.yaml)] as const])
  // oxlint-disable no-await-in-loop -- a few dozen files
  for (const [name, bytes] of files) {
    const path = join(target, name)
    await disk.makeDirectory(dirname(path))
    await replaceFile(disk, path, bytes)
  }
  // oxlint-enable no-await-in-loop
  const { vpopmail } = planned
  if (vpopmail !== undefined) {
    await disk.makeDirectory(join(target, '../var'))
    await withAccounts(folder, (accounts) => carryOut(accounts, vpopmail.plan, told))
  }
}

async function isEmpty(disk: Disk, folder: string): Promise<boolean> {
  return ((await unlessMissing(disk.list(folder))) ?? []).length === 0
}

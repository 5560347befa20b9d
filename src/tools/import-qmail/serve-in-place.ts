/** A configuration folder whose control/, users/ and alias/ are those of an installed qmail, followed where they lie. */
import { join, resolve } from 'node:path'
import { PosternError } from '../../mail/errors.ts'
import type { Disk } from '../../runtime/disk.ts'
import { linkFolder } from '../../runtime/node/folder-link.ts'
import { replaceFile } from '../../runtime/replace-file.ts'
import { refuseInside } from './outside.ts'
import type { QmailImport } from './plan.ts'

/**
 * @param state the folder of the gateway's own files: `config` is made in it, spool and store will be
 * @returns the configuration folder
 * @throws PosternError CONFIG_INVALID where the rules would make an open relay, or where `state` lies in the tree
 */
export async function prepareInPlace(
  disk: Disk,
  planned: QmailImport,
  { tree, state }: { readonly tree: string; readonly state: string },
): Promise<string> {
  const [from, own] = [resolve(tree), resolve(state)]
  if (planned.openRelay) {
    const remedy = 'mend them, or run postern import, which leaves RELAYCLIENT out there'
    throw new PosternError('CONFIG_INVALID', `the rules of ${tree} let everybody relay: ${remedy}`)
  }
  await refuseInside(from, own)
  const config = join(own, 'config')
  await disk.makeDirectory(config)
  for (const folder of ['control', 'users', 'alias']) {
    linkFolder(join(config, folder), join(from, folder))
  }
  const rules = planned.files.get('tcp.smtp')
  if (rules !== undefined) await replaceFile(disk, join(config, 'tcp.smtp'), rules)
  await replaceFile(disk, join(config, 'postern.yaml'), Buffer.from(planned.yaml))
  return config
}

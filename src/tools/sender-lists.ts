/** The allow and block lists of a configuration, for `postern list`: the very file that the gateway follows. */
import { dirname, resolve } from 'node:path'
import { isObject } from '../control/control-lines.ts'
import { compileLists, type ListedMail, type ListRuling } from '../formats/list-lookup.ts'
import {
  parseListRules,
  withListRule,
  withoutListRule,
  type ListRule,
} from '../formats/list-rules.ts'
import type { Mailbox } from '../mail/address.ts'
import { PosternError } from '../mail/errors.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { editFile } from '../runtime/node/edit-file.ts'
import { readOffline } from './read-offline.ts'

const usualFile = 'tables/lists'

/** @throws PosternError CONFIG_INVALID where no entry of the chain would read it */
export function listFile(folder: string): string {
  const entry = readOffline(folder).chain.find(({ plugin }) => plugin === 'lists')
  if (entry === undefined) {
    const problem =
      'no entry of the chain uses the plugin lists: add "- plugin: lists" before those that judge clients'
    throw new PosternError('CONFIG_INVALID', problem)
  }
  const { options } = entry
  const file = isObject(options) ? options['file'] : undefined
  return resolve(folder, typeof file === 'string' ? file : usualFile)
}

/** @throws PosternError CONFIG_INVALID naming the first line that is wrong */
export async function readLists(folder: string): Promise<readonly ListRule[]> {
  const path = listFile(folder)
  const bytes = await unlessMissing(systemDisk.readFile(path))
  return bytes === undefined ? [] : soundRules(path, bytes)
}

/**
 * Adds or removes a rule; a running gateway sees it at once.
 * @returns whether anything was to be done
 * @throws PosternError CONFIG_INVALID where the file would have mistakes; DISK_FAILED, TIMEOUT
 */
export async function editLists(
  folder: string,
  {
    rule,
    note,
    remove,
  }: { readonly rule: ListRule; readonly note?: string; readonly remove: boolean },
): Promise<boolean> {
  const path = listFile(folder)
  await systemDisk.makeDirectory(dirname(path))
  return editFile(path, (text) => {
    const changed = remove ? withoutListRule(text, rule) : withListRule(text, rule, note)
    soundRules(path, Buffer.from(changed))
    return changed
  })
}

/** What the lists say of one message for one recipient. */
export async function askLists(
  folder: string,
  mail: ListedMail,
  recipient: Mailbox | undefined,
): Promise<ListRuling | undefined> {
  return compileLists(await readLists(folder)).judge(mail, recipient)
}

function soundRules(path: string, bytes: Uint8Array): readonly ListRule[] {
  const { rules, mistakes } = parseListRules(bytes)
  const [first] = mistakes
  if (first === undefined) return rules
  throw new PosternError('CONFIG_INVALID', `${path}:${first.line}: ${first.text}: ${first.remedy}`)
}

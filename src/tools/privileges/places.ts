/**
 * Whether a gateway that is not root finds what it needs where root has started it: its folders must be its own, and it must
 * be able to come as far as the configuration. What is missing is made, in root's own folders alone: anywhere else its
 * owner could make root write where it likes.
 */
import { dirname, join, resolve } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import type { LogOutputSettings } from '../../config/log-section.ts'
import type { Account } from '../../delivery/local/passwd.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Mistake } from '../../plugin/mistake.ts'
import type { Disk, FileStat } from '../../runtime/disk.ts'
import { isReadableBy } from '../file-doubts.ts'

export interface PlacesDoors {
  readonly disk: Pick<Disk, 'stat'>
  /** Of a folder: the path on the way to it, by links too, at which somebody else than root may write. */
  readonly writableByOthers: (path: string) => string | undefined
  /** Makes a folder that is the account's, in one of root's. @throws PosternError DISK_FAILED */
  readonly makeFolderFor: (path: string, account: Account) => void
}

/** Where a gateway reads and writes. */
export interface Places extends Pick<Configuration, 'folder' | 'store' | 'accounts' | 'tls'> {
  readonly spool: { readonly path: string }
  readonly traces: { readonly path: string }
  readonly operator: { readonly folder: string }
  readonly delivery: Pick<Configuration['delivery'], 'local' | 'maildirs'>
  readonly log: { readonly outputs: readonly Pick<LogOutputSettings, 'to' | 'folder'>[] }
}

/** @returns what keeps the gateway from its work, each with its remedy; then nothing may be started */
export async function preparePlaces(
  configuration: Places,
  account: Account,
  doors: PlacesDoors,
): Promise<readonly Mistake[]> {
  const mistakes: Mistake[] = []
  const unread = await unreadablePlace(configuration, account, doors)
  if (unread !== undefined) mistakes.push(unread)
  for (const path of ownFolders(configuration)) {
    const mistake = await examineFolder(path, account, doors)
    if (mistake !== undefined) mistakes.push(mistake)
  }
  for (const path of ownFiles(configuration)) {
    const found = await statOf(path, doors)
    if (found !== undefined && found.uid !== account.uid)
      mistakes.push(ofAnother(path, found, account))
  }
  return mistakes
}

/** Folders that only the gateway writes. */
function ownFolders({
  spool,
  store,
  accounts,
  traces,
  operator,
  tls,
  delivery,
  log,
}: Places): ReadonlySet<string> {
  return new Set([
    spool.path,
    dirname(store.path),
    dirname(accounts.path),
    dirname(traces.path),
    operator.folder,
    tls.path,
    ...(delivery.local === 'maildirs' ? [delivery.maildirs] : []),
    ...log.outputs.flatMap(({ to, folder }) => (folder === undefined ? [] : [to])),
  ])
}

/** Files that may have been made by a command of root's, before there was an account. */
function ownFiles({ spool, store, accounts, traces }: Places): readonly string[] {
  return [accounts.path, store.path, traces.path, join(spool.path, 'lock')]
}

async function examineFolder(
  path: string,
  account: Account,
  doors: PlacesDoors,
): Promise<Mistake | undefined> {
  const found = await statOf(path, doors)
  if (found !== undefined) {
    return found.uid === account.uid ? undefined : ofAnother(path, found, account)
  }
  const missing = await topmostMissing(path, doors)
  const parent = await statOf(dirname(missing), doors)
  // The gateway makes what is missing in its own.
  if (parent?.uid === account.uid) return undefined
  const others = doors.writableByOthers(dirname(missing))
  if (others !== undefined) {
    const remedy = `install -d -o ${account.name} -m 0711 ${missing}`
    return {
      file: path,
      problem: `is missing, and ${others} is not root's alone`,
      remedy,
    }
  }
  doors.makeFolderFor(missing, account)
  return undefined
}

async function topmostMissing(path: string, doors: PlacesDoors): Promise<string> {
  const above = dirname(path)
  return (await statOf(above, doors)) === undefined ? topmostMissing(above, doors) : path
}

/** On the way to the configuration, and in it. */
async function unreadablePlace(
  { folder }: Places,
  account: Account,
  doors: PlacesDoors,
): Promise<Mistake | undefined> {
  const files = ['postern.yaml', 'control', '']
  for (const path of files.map((name) => resolve(folder, name))) {
    const found = await statOf(path, doors)
    if (found === undefined) continue
    // To enter a folder is another bit than to read it, and both are wanted of one.
    if (isReadableBy(found, account) && (found.kind === 'file' || mayEnter(found, account)))
      continue
    return unreadable(path, account)
  }
  for (let at = dirname(resolve(folder)); at !== dirname(at); at = dirname(at)) {
    const found = await statOf(at, doors)
    if (found !== undefined && !mayEnter(found, account)) return unreadable(at, account)
  }
  return undefined
}

function mayEnter({ mode, uid, gid }: FileStat, account: Account): boolean {
  return isReadableBy({ uid, gid, mode: (mode & 0o111) << 2 }, account)
}

function unreadable(path: string, { name, gid }: Account): Mistake {
  const problem = `cannot be read or entered by ${name}, as whom the gateway works`
  return { file: path, problem, remedy: `chgrp ${gid} ${path} and chmod g+rX ${path}` }
}

function ofAnother(path: string, { uid }: FileStat, { name, uid: own, gid }: Account): Mistake {
  const problem = `belongs to uid ${uid}, and the gateway works as ${name}`
  return { file: path, problem, remedy: `stop the gateway, then: chown -R ${own}:${gid} ${path}` }
}

async function statOf(path: string, { disk }: PlacesDoors): Promise<FileStat | undefined> {
  try {
    return await disk.stat(path)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

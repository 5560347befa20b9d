/**
 * Commands that root types work in folders of the gateway's account, where a link may lead anywhere: so they become that account
 * first. What they make is its own then, and where a link leads it could have gone by itself.
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Configuration } from '../../config/configuration.ts'
import { formatMistake } from '../../config/format-mistake.ts'
import type { Account } from '../../delivery/local/passwd.ts'
import { isPosternError, PosternError } from '../../mail/errors.ts'
import type { Disk } from '../../runtime/disk.ts'
import { becomeForGood } from '../../runtime/node/become.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { hostProcess } from '../../runtime/node/process.ts'
import { ownerOf, writableByOthersThanRoot } from '../../runtime/node/root-owned.ts'
import { readFolder } from '../read-offline.ts'
import type { AccountLookUp } from './gateway-account.ts'

/**
 * Becomes whoever the folders of the gateway belong to, for the rest of this process; whoever is not root stays who he is, and
 * so does root where they are root's. Folders that are missing are made as `postern start` makes them.
 * @throws PosternError CONFIG_INVALID where the account is not there, or does not come to its folders
 */
export async function becomeAccountOf(folder: string): Promise<void> {
  const account = await toBecome(folder)
  if (account === undefined) return
  if (!account.owns) await prepare(account)
  becomeForGood(account.account)
}

/** The same for commands that make no folders. @throws PosternError as above */
export async function becomeAccountThatIsThere(folder: string): Promise<void> {
  const account = await toBecome(folder)
  if (account !== undefined) becomeForGood(account.account)
}

/** Before a file is written that somebody else than root may exchange on its way: becomes that owner, unless he has installed us. */
export function becomeOwnerOf(file: string): void {
  if (hostProcess.uid !== 0) return
  const place = writableByOthersThanRoot(dirname(file))
  if (place === undefined) return
  const { uid, gid } = ownerOf(place)
  const installer = ownerOf(fileURLToPath(import.meta.url))
  if (uid !== 0 && uid !== installer.uid) becomeForGood(byNumbers({ uid, gid }))
}

/** Most commands find all of it there, and load none of this. */
async function prepare({ configuration, account }: ToBecome): Promise<void> {
  const { preparePlaces } = await import('./places.ts')
  const { makeFolderFor } = await import('../../runtime/node/given-folder.ts')
  const mistakes = await preparePlaces(configuration, account, {
    disk: systemDisk,
    writableByOthers: writableByOthersThanRoot,
    makeFolderFor,
  })
  if (mistakes.length === 0) return
  throw new PosternError('CONFIG_INVALID', mistakes.map(formatMistake).join('\n'))
}

interface ToBecome {
  readonly configuration: Configuration
  readonly account: Account
  /** The spool is there, and theirs. */
  readonly owns: boolean
}

async function toBecome(folder: string): Promise<ToBecome | undefined> {
  if (hostProcess.uid !== 0) return undefined
  const { configuration } = readFolder(folder)
  // The command itself will say what is wrong with it.
  if (configuration === undefined) return undefined
  const found = await accountOfFolders(configuration, accountsOfThisHost, systemDisk)
  return found && { configuration, ...found }
}

async function accountsOfThisHost(): Promise<AccountLookUp> {
  return (await import('./gateway-account.ts')).accountsOfHost()
}

/**
 * Whose the folders are: whoever the spool belongs to, if not root; otherwise the account as whom root starts the gateway.
 * @returns undefined: they are root's
 * @throws PosternError CONFIG_INVALID where there is no such account
 */
export async function accountOfFolders(
  { user, spool }: { readonly user: string | undefined; readonly spool: { readonly path: string } },
  accounts: () => Promise<AccountLookUp>,
  disk: Pick<Disk, 'statName'>,
): Promise<Pick<ToBecome, 'account' | 'owns'> | undefined> {
  const owner = await spoolOwner(spool.path, disk)
  const { gatewayAccount, staysRoot, usualAccount } = await import('./gateway-account.ts')
  const host = await accounts()
  if (owner !== undefined && owner.uid !== 0) {
    const named = await gatewayAccount(user ?? usualAccount, host)
    if (named?.uid === owner.uid) return { account: named, owns: true }
    // Its group may be any that its owner belongs to: the account's own counts.
    return { account: (await host.withUid(owner.uid)) ?? byNumbers(owner), owns: true }
  }
  if (await staysRoot(user, host)) return undefined
  const account = await gatewayAccount(user ?? usualAccount, host)
  if (account === undefined || account.uid === 0) {
    const problem = `there is no account ${user ?? usualAccount} as whom the gateway works`
    throw new PosternError('CONFIG_INVALID', problem)
  }
  return { account, owns: false }
}

/** Of the name itself: where a link leads, whoever made it has chosen. */
async function spoolOwner(
  path: string,
  disk: Pick<Disk, 'statName'>,
): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  try {
    return await disk.statName(path)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

function byNumbers({ uid, gid }: { readonly uid: number; readonly gid: number }): Account {
  return { name: String(uid), uid, gid, home: '/' }
}

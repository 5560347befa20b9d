/** qmail-getpw: whom the accounts of this host give a local part to. */
import { HostAccounts } from '../../delivery/local/host-accounts.ts'
import type { Account } from '../../delivery/local/passwd.ts'
import { userDirectory } from '../../delivery/local/user-directory.ts'
import { latin1Bytes, readable, utf8Octets } from '../../formats/octets.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Disk } from '../../runtime/disk.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import type { Surroundings } from './surroundings.ts'
import { done, type ToolEnd } from './tool-end.ts'

export interface GetpwParts {
  readonly disk: Pick<Disk, 'stat'>
  readonly accounts: (name: string) => Promise<Account | undefined>
}

/** The original's own exit codes, by which qmail-lspawn tells what to say. */
const exits = { usage: 100, homeUnknown: 115, noAlias: 116, accountsUnknown: 118 } as const

export async function getpw({ args, queue }: Surroundings): Promise<ToolEnd> {
  const accounts = new HostAccounts({
    disk: systemDisk,
    clock: systemClock,
    programs: queue.programs,
  })
  return accountOf(args[0], { disk: systemDisk, accounts: (name) => accounts.find(name) })
}

/** @returns six fields, a NUL behind each */
export async function accountOf(local: string | undefined, parts: GetpwParts): Promise<ToolEnd> {
  if (local === undefined) return { exit: exits.usage, out: '', err: '' }
  const directory = userDirectory({
    disk: parts.disk,
    assignments: () => undefined,
    accounts: (name) => parts.accounts(readable(latin1Bytes(name))),
    alias: () => parts.accounts('alias'),
  })
  try {
    const found = await directory.find(utf8Octets(local))
    if (found === undefined) return { exit: exits.noAlias, out: '', err: '' }
    const { user, uid, gid, home, dash, extension } = found
    const fields = [user, String(uid), String(gid), home, dash, extension]
    return done(fields.map((field) => `${field}\0`).join(''))
  } catch (error) {
    if (isPosternError(error, 'DISK_FAILED')) return { exit: exits.homeUnknown, out: '', err: '' }
    if (isPosternError(error)) return { exit: exits.accountsUnknown, out: '', err: '' }
    throw error
  }
}

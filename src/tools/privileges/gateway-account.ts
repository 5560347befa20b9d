/** As whom a gateway works that root has started. */
import { HostAccounts } from '../../delivery/local/host-accounts.ts'
import type { Account } from '../../delivery/local/passwd.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { nodePrograms } from '../../runtime/node/programs.ts'

/** Where the configuration names nobody. */
export const usualAccount = 'postern'

export type AccountLookUp = Pick<HostAccounts, 'find' | 'knows' | 'withUid'>

/** As the users of this host are looked up: /etc/passwd, and what else the system knows by getent(1). */
export function accountsOfHost(): AccountLookUp {
  const programs = nodePrograms(systemClock)
  return new HostAccounts({ disk: systemDisk, clock: systemClock, programs })
}

/**
 * Whether a gateway that root starts stays root: it is told to, or nobody else is named and there is no usual account. One
 * that is there and cannot be used (without a home, say) is a mistake to be mended, and no reason to work as root.
 * @throws PosternError DISK_FAILED, PROGRAM_FAILED, ABORTED where it cannot be found out: that is no reason either
 */
export async function staysRoot(user: string | undefined, host: AccountLookUp): Promise<boolean> {
  return user === undefined ? !(await host.knows(usualAccount)) : user === 'root'
}

/**
 * @param user the name of an account of this host, or `uid:gid`: containers have no names
 * @returns undefined where there is no such account
 * @throws PosternError DISK_FAILED, PROGRAM_FAILED, ABORTED
 */
export async function gatewayAccount(
  user: string,
  host: AccountLookUp,
): Promise<Account | undefined> {
  const numbers = /^(\d+):(\d+)$/.exec(user)
  if (numbers !== null) {
    const [, uid, gid] = numbers
    return { name: user, uid: Number(uid), gid: Number(gid), home: '/' }
  }
  return host.find(user)
}

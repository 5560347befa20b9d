/** As whom a gateway works that root has started. */
import { parsePasswd, type Account } from '../../delivery/local/passwd.ts'
import { latin1 } from '../../formats/octets.ts'
import type { Disk } from '../../runtime/disk.ts'

/** Where the configuration names nobody. */
export const usualAccount = 'postern'

/**
 * Whether a gateway that root starts stays root: it is told to, or nobody else is named and there is no usual account. One
 * that is there and cannot be used (without a home, say) is a mistake to be mended, and no reason to work as root.
 * @throws PosternError DISK_FAILED
 */
export async function staysRoot(
  user: string | undefined,
  disk: Pick<Disk, 'readFile'>,
): Promise<boolean> {
  if (user !== undefined) return user === 'root'
  return !latin1(await disk.readFile('/etc/passwd'))
    .split('\n')
    .some((line) => line.startsWith(`${usualAccount}:`))
}

/**
 * @param user a name of /etc/passwd, or `uid:gid`: containers have no names
 * @returns undefined where there is no such account
 * @throws PosternError DISK_FAILED
 */
export async function gatewayAccount(
  user: string,
  disk: Pick<Disk, 'readFile'>,
): Promise<Account | undefined> {
  const numbers = /^(\d+):(\d+)$/.exec(user)
  if (numbers !== null) {
    const [, uid, gid] = numbers
    return { name: user, uid: Number(uid), gid: Number(gid), home: '/' }
  }
  return parsePasswd(await disk.readFile('/etc/passwd')).get(user)
}

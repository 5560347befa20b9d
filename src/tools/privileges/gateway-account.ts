/** As whom a gateway works that root has started. */
import { parsePasswd, type Account } from '../../delivery/local/passwd.ts'
import type { Disk } from '../../runtime/disk.ts'

/** Where the configuration names nobody. */
export const usualAccount = 'postern'

/** Whether a gateway that root starts stays root: it is told to, or nobody else is named and there is no usual account. */
export async function staysRoot(
  user: string | undefined,
  disk: Pick<Disk, 'readFile'>,
): Promise<boolean> {
  if (user !== undefined) return user === 'root'
  return (await gatewayAccount(usualAccount, disk)) === undefined
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

import type { Configuration } from '../../config/configuration.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Mistake } from '../../plugin/mistake.ts'
import type { Disk } from '../../runtime/disk.ts'
import { exposures } from './exposed-files.ts'
import { accountsOfHost, gatewayAccount, staysRoot, usualAccount } from './gateway-account.ts'

/**
 * What root acts by and others may change, for `postern check`: as asked by root, of a gateway that root starts.
 * @returns nothing where another user runs it, by what its spool says
 */
export async function exposureDoubts(
  configuration: Configuration,
  { disk, uid }: { readonly disk: Pick<Disk, 'stat'>; readonly uid: number | undefined },
): Promise<readonly Mistake[]> {
  if (uid !== 0) return []
  try {
    const host = accountsOfHost()
    const isRoots = await staysRoot(configuration.user, host)
    const account = isRoots
      ? undefined
      : await gatewayAccount(configuration.user ?? usualAccount, host)
    // Nobody to start it as: `start` and the doctor say so.
    if (!isRoots && account === undefined) return []
    const owner = await ownerOf(configuration.spool.path, disk)
    if (owner !== undefined && owner !== 0 && owner !== account?.uid) return []
    const { mistakes, doubts } = exposures(configuration, account)
    return [...mistakes, ...doubts]
  } catch (error) {
    if (isPosternError(error)) return []
    throw error
  }
}

async function ownerOf(path: string, disk: Pick<Disk, 'stat'>): Promise<number | undefined> {
  try {
    return (await disk.stat(path)).uid
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

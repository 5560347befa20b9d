/** Whether root can start the gateway, which then works as somebody else. */
import type { Configuration } from '../../config/configuration.ts'
import type { Disk } from '../../runtime/disk.ts'
import type { Mistake } from '../../plugin/mistake.ts'
import { writableByOthersThanRoot } from '../../runtime/node/root-owned.ts'
import { unreadableDoubts } from '../file-doubts.ts'
import { exposures } from '../privileges/exposed-files.ts'
import {
  accountsOfHost,
  gatewayAccount,
  staysRoot,
  usualAccount,
} from '../privileges/gateway-account.ts'
import { preparePlaces } from '../privileges/places.ts'
import { problem, warning, well, type Examination } from './examination.ts'

const about = 'account'

/** @returns nothing for a gateway that its own user starts: as asked by others than root, or with folders of another user */
export async function examineAccount(
  configuration: Configuration,
  { disk, uid }: { readonly disk: Disk; readonly uid: number | undefined },
): Promise<readonly Examination[]> {
  if (uid !== 0) return []
  const { user = usualAccount, spool } = configuration
  const host = accountsOfHost()
  if (await staysRoot(configuration.user, host)) {
    const why = user === 'root' ? 'user: root' : `there is no account ${user}`
    const remedy = 'adduser --system --group postern, chown its folders, and leave user: root out'
    return [warning(about, `what reads mail from strangers works as root (${why})`, remedy)]
  }
  const account = await gatewayAccount(user, host)
  if (account === undefined) {
    const remedy = 'adduser --system --group --no-create-home postern, or name another: user: NAME'
    return [problem(about, `root cannot start it: there is no account ${user}`, remedy)]
  }
  const owner = await disk.stat(spool.path).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0 && owner.uid !== account.uid) return []
  const exposed = exposures(configuration, account)
  const found = [
    ...exposed.mistakes,
    ...exposed.doubts,
    ...(await preparePlaces(configuration, account, {
      disk,
      writableByOthers: writableByOthersThanRoot,
      makeFolderFor: () => undefined,
    })),
    ...(await unreadableDoubts(configuration, disk, { reader: account })),
  ].map(asProblem)
  if (found.length > 0) return found
  return [well(about, `started by root, the gateway works as ${user} (uid ${account.uid})`)]
}

function asProblem({ file, problem: says, remedy }: Mistake): Examination {
  return problem(about, `${file} ${says}`, remedy)
}

/** Plugins for commands that root types: what the gateway's account may write is not run as root. */
import { dirname, join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { PluginLoader, type LoaderParts } from '../filter/loader.ts'
import { isPosternError } from '../mail/errors.ts'
import { holdingClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { hostProcess } from '../runtime/node/process.ts'
import { writableByAccount } from '../runtime/node/root-owned.ts'
import {
  accountsOfHost,
  gatewayAccount,
  staysRoot,
  usualAccount,
} from './privileges/gateway-account.ts'

type Named = Pick<Configuration, 'pluginFolders' | 'user'>

export function trustedLoader({ pluginFolders: folders, user }: Named): PluginLoader {
  const refuse = hostProcess.uid === 0 ? { refuse: refusing(user) } : {}
  return new PluginLoader({ disk: systemDisk, clock: holdingClock, folders, ...refuse })
}

function refusing(user: string | undefined): NonNullable<LoaderParts['refuse']> {
  const host = accountsOfHost()
  const finding = staysRoot(user, host).then((isRoots) =>
    isRoots ? undefined : gatewayAccount(user ?? usualAccount, host),
  )
  finding.catch(() => undefined)
  return async (file) => {
    const account = await finding
    if (account === undefined || account.uid === 0) return undefined
    for (const path of await withThoseBeside(file)) {
      const at = writableByAccount(path, account)
      if (at === undefined) continue
      const problem = `${account.name} may write ${at}, and whoever runs this command is root`
      return { problem, remedy: `chown root ${at} and chmod go-w ${at}` }
    }
    return undefined
  }
}

/** A plugin is a folder: what it imports lies beside it. */
async function withThoseBeside(file: string): Promise<readonly string[]> {
  const folder = dirname(file)
  try {
    return (await systemDisk.list(folder)).map((name) => join(folder, name))
  } catch (error) {
    if (isPosternError(error)) return [file]
    throw error
  }
}

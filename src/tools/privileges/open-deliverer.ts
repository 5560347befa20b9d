/** The deliverer with everything it needs: it follows the configuration as the gateway does, and keeps the last that is right. */
import { join } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import { openDelivererServer, type DelivererServer } from '../../delivery/deliverer/server.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { nodeNet } from '../../runtime/node/net.ts'
import { hostProcess } from '../../runtime/node/process.ts'
import { nodePrograms } from '../../runtime/node/programs.ts'
import {
  exchangeableByOthersThanRoot,
  writableByOthersThanRoot,
} from '../../runtime/node/root-owned.ts'
import { LocalUsers } from '../local-users.ts'
import { silentLog } from '../silent-log.ts'
import { PathWatches } from '../path-watches.ts'
import { readFolder, readOffline } from '../read-offline.ts'
import { delivererWork } from './deliverer-work.ts'

export interface DelivererOrders {
  /** The configuration folder. */
  readonly folder: string
  readonly socket: string
  readonly group: number
}

/** @throws PosternError CONFIG_INVALID, ADDRESS_IN_USE, LISTEN_FAILED */
export async function openDeliverer(orders: DelivererOrders): Promise<DelivererServer> {
  const current = following(orders.folder)
  const programs = nodePrograms(systemClock)
  const doors = {
    disk: systemDisk,
    // The gateway looks users up for itself, too, and tells of what is wrong with them.
    log: silentLog,
    clock: systemClock,
    programs,
    process: hostProcess,
  }
  return openDelivererServer({
    net: nodeNet,
    clock: systemClock,
    path: orders.socket,
    group: orders.group,
    work: delivererWork({
      clock: systemClock,
      programs,
      current,
      users: new LocalUsers({ doors, current }),
      writableByOthers: writableByOthersThanRoot,
      exchangeableByOthers: exchangeableByOthersThanRoot,
    }),
  })
}

/** What lies on the disk, read anew when it has changed and is asked for; one with mistakes is not taken. */
function following(folder: string): () => Configuration {
  let stale = false
  let current = readOffline(folder)
  const watches = new PathWatches(systemDisk, () => {
    stale = true
  })
  watches.follow(new Set([current.folder, join(current.folder, 'control')]))
  return () => {
    if (stale) {
      stale = false
      const { configuration, mistakes } = readFolder(folder)
      if (configuration !== undefined && mistakes.length === 0) current = configuration
    }
    return current
  }
}

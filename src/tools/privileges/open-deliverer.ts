/** The deliverer with everything it needs: it follows the configuration as the gateway does, and keeps the last that is right. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import { OwnerProcesses } from '../../delivery/local/owner-processes.ts'
import { openDelivererServer, type DelivererServer } from '../../delivery/deliverer/server.ts'
import type { DelivererPlaces } from '../../delivery/deliverer/places.ts'
import { isMap } from '../../config/reading.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { hostSize } from '../../runtime/node/host-size.ts'
import { nodeNet } from '../../runtime/node/net.ts'
import { hostProcess } from '../../runtime/node/process.ts'
import { nodePrograms } from '../../runtime/node/programs.ts'
import {
  exchangeableByOthersThanRoot,
  writableByOthersThanRoot,
} from '../../runtime/node/root-owned.ts'
import { SharedCode } from '../../runtime/node/shared-code.ts'
import { localProgram, ownerProgram } from '../local-program.ts'
import { numberOfWorkers } from '../../workers/number-of-workers.ts'
import { LocalUsers } from '../local-users.ts'
import { silentLog } from '../silent-log.ts'
import { ownPaths, PathWatches } from '../path-watches.ts'
import { readFolder, readOffline } from '../read-offline.ts'
import { delivererWork } from './deliverer-work.ts'

export interface DelivererOrders {
  /** The configuration folder. */
  readonly folder: string
  readonly socket: string
  readonly group: number
  /** A bug, or what a library made of something unforeseen: one request has failed by it. */
  readonly failed: (error: unknown) => void
}

/** @throws PosternError CONFIG_INVALID, ADDRESS_IN_USE, LISTEN_FAILED */
export async function openDeliverer(orders: DelivererOrders): Promise<DelivererServer> {
  const current = following(orders.folder)
  const programs = nodePrograms(systemClock)
  const code = new SharedCode({ programs, clock: systemClock, command: ownerProgram })
  const processes = new OwnerProcesses({
    programs,
    clock: systemClock,
    program: localProgram,
    command: ownerProgram,
    variablesFor: (uid) => code.variablesFor(uid),
  })
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
    places: () => placesFor(current()),
    failed: orders.failed,
    work: delivererWork({
      clock: systemClock,
      programs,
      deliverAs: (delivery, owner, signal) => processes.deliver(delivery, owner, signal),
      current,
      users: new LocalUsers({ doors, current }),
      writableByOthers: writableByOthersThanRoot,
      exchangeableByOthers: exchangeableByOthersThanRoot,
      hasRoom,
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
  watches.follow(new Set([current.folder, join(current.folder, 'control')]), ownPaths(current))
  return () => {
    if (stale) {
      stale = false
      const { configuration, mistakes } = readFolder(folder)
      if (configuration !== undefined && mistakes.length === 0) current = configuration
    }
    return current
  }
}

/** Of deliveries and logins that were called off: their processes have some seconds to end. */
const ending = 20

/** As many as the gateway will ask for at a time; a stranger in its place gets no more. */
function placesFor({ control, workers, chain }: Configuration): DelivererPlaces {
  const processes = numberOfWorkers(workers, hostSize())
  const logins = chain.flatMap(({ plugin, mode, options }) => {
    if (plugin !== 'checkpassword' || mode === 'off') return []
    const parallel = isMap(options) ? options['parallel'] : undefined
    return [typeof parallel === 'number' ? parallel : usualParallel]
  })
  return {
    deliver: Math.max(control.concurrencyLocal, processes) + ending,
    checkpassword: logins.reduce((sum, each) => sum + each * processes, 0) + ending,
    maildrop: maildrops,
  }
}

/** As tcpserver has it for qmail-popup: each is a process of the user's. */
const maildrops = 40
/** As the plugin checkpassword has it. */
const usualParallel = 20
/** Of a disk that is this large or larger so much stays free, of a smaller one a tenth. */
const mostSpared = 256 << 20

async function hasRoom(): Promise<boolean> {
  const { sizeBytes, freeBytes } = await systemDisk.space(tmpdir())
  return freeBytes > Math.min(mostSpared, sizeBytes / 10)
}

/** Judges a configuration folder without putting it in force: what `postern check` says, and what `start` does first. */
import { resolve } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { configurationResources } from '../config/resources.ts'
import type { Generation } from '../filter/generation.ts'
import { doubtsOfEntries } from '../filter/entry-doubts.ts'
import { PluginLoader } from '../filter/loader.ts'
import { isPosternError } from '../mail/errors.ts'
import { nodeAccounts } from '../runtime/node/accounts.ts'
import { systemClock } from '../runtime/node/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { spoolLayout } from '../queue/spool-layout.ts'
import { certificateDoubts, certificateMistakes } from './certificates.ts'
import { loadChain } from './load-chain.ts'
import { offlineDoors, silentLog } from './offline-doors.ts'
import { probeListeners } from './probe-listeners.ts'
import { quarantineDoubts } from './quarantine-doubts.ts'
import { readFolder } from './read-offline.ts'
import { ruleDoubts } from './rule-doubts.ts'

export interface CheckedConfiguration {
  readonly mistakes: readonly Mistake[]
  readonly doubts: readonly Mistake[]
  /** As the configuration has it, never opened. Missing where there are mistakes. */
  readonly generation?: Generation
}

/** @param disk with a file as it might become, for whoever tries a change */
export async function checkConfiguration(
  folder: string,
  disk: Disk = systemDisk,
): Promise<CheckedConfiguration> {
  const { configuration, mistakes, doubts } = readFolder(folder, disk)
  if (configuration === undefined) return { mistakes, doubts }
  const resources = configurationResources(resolve(folder), { disk, log: silentLog })
  const accounts = nodeAccounts({ path: configuration.accounts.path, clock: systemClock })
  const loader = new PluginLoader({ disk: systemDisk, folders: configuration.pluginFolders })
  try {
    const chain = await loadChain({
      configuration,
      loader,
      doors: offlineDoors(accounts),
      resources,
    })
    const all = [
      ...mistakes,
      ...chain.mistakes,
      ...certificateMistakes(configuration.listeners, nodeNet),
      ...(await portMistakes(configuration)),
    ]
    const { generation } = chain
    const entryDoubts =
      generation === undefined ? [] : await doubtsOfEntries(generation, configuration.chain)
    return {
      mistakes: all,
      doubts: [
        ...doubts,
        ...chain.doubts,
        ...entryDoubts,
        ...(generation === undefined ? [] : quarantineDoubts(configuration, generation)),
        ...(generation === undefined ? [] : ruleDoubts(configuration, generation)),
        ...certificateDoubts(configuration.listeners, systemClock.now()),
      ],
      ...(generation === undefined || all.length > 0 ? {} : { generation }),
    }
  } finally {
    await accounts.close()
    resources.close()
    loader.close()
  }
}

/** Ports that a running gateway of this very configuration holds are right to be taken. */
async function portMistakes({ listeners, spool }: Configuration): Promise<readonly Mistake[]> {
  const mistakes = await probeListeners(listeners, nodeNet)
  return mistakes.length > 0 && (await isRunning(spool.path)) ? [] : mistakes
}

async function isRunning(spool: string): Promise<boolean> {
  try {
    const lock = await systemDisk.lock(spoolLayout(spool).lock)
    await lock.release()
    return false
  } catch (error) {
    return isPosternError(error, 'SPOOL_LOCKED')
  }
}

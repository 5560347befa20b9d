import type { Mistake } from '../plugin/mistake.ts'
import type { MessagePlace, Place } from '../filter/entry.ts'
import type { Places } from '../filter/places.ts'
import { stages } from '../mail/status.ts'
import type { Configuration } from '../config/configuration.ts'
import { configurationResources } from '../config/resources.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { examinedAccounts } from './examined-accounts.ts'
import { loadChain, type LoadedChain } from './load-chain.ts'
import { offlineDoors } from './offline-doors.ts'
import { readFolder } from './read-offline.ts'
import { silentLog } from './silent-log.ts'
import { trustedLoader } from './trusted-loader.ts'

export interface ListedStage {
  readonly stage: string
  readonly entries: readonly { readonly name: string; readonly remarks: readonly string[] }[]
}

/** What is asked at each stage, in order; at `message`, what waits for what. */
export async function chainListing(
  folder: string,
): Promise<{ readonly mistakes: readonly Mistake[]; readonly stages: readonly ListedStage[] }> {
  const { configuration, mistakes } = readFolder(folder)
  if (configuration === undefined) return { mistakes, stages: [] }
  // Whether a port is free, or a certificate good, has nothing to do with it.
  const chain = await loadedAlone(configuration)
  const all = [...mistakes, ...chain.mistakes]
  const isWhole = chain.generation !== undefined && all.length === 0
  return { mistakes: all, stages: isWhole ? listStages(chain.generation.places) : [] }
}

async function loadedAlone(configuration: Configuration): Promise<LoadedChain> {
  const { folder } = configuration
  const resources = configurationResources(folder, { disk: systemDisk, log: silentLog })
  const accounts = examinedAccounts(configuration)
  const loader = trustedLoader(configuration)
  try {
    return await loadChain({ configuration, loader, doors: offlineDoors(accounts), resources })
  } finally {
    await accounts.close()
    resources.close()
    loader.close()
  }
}

/** What is asked at each stage. */
export function listStages(places: Places): readonly ListedStage[] {
  return stages.map((stage) => {
    const asked: readonly Place[] =
      stage === 'auth'
        ? loginPlaces(places)
        : stage === 'rcpt'
          ? [...places.allowing, ...places.rcpt]
          : places[stage]
    return {
      stage,
      entries: asked.map((place) => ({
        name: place.entry.name,
        remarks: remarksOn(place, places),
      })),
    }
  })
}

/** Whoever is asked at AUTH, for each of what he knows. */
function loginPlaces(places: Places): readonly Place[] {
  const { auth, verify, secretFor, checkResponse, checkApop } = places
  return [...auth, ...verify, ...secretFor, ...checkResponse, ...checkApop]
}

function remarksOn(place: Place, { message }: Places): readonly string[] {
  const { entry, question } = place
  const waits = message.find((each) => each === place)
  return [
    `on fault ${entry.onFault}, ${entry.timeoutMs / 1000} s`,
    ...(entry.shadow ? ['shadow'] : []),
    ...(question === 'verify' ? ['verifies logins'] : []),
    ...(question === 'secretFor' ? ['knows secrets, for SCRAM-SHA-256'] : []),
    ...(question === 'checkResponse' ? ['checks responses, for CRAM-MD5'] : []),
    ...(question === 'checkApop' ? ['checks responses, for APOP'] : []),
    ...(question === 'rcpt' && entry.vouches ? ['vouches'] : []),
    ...(entry.condition === undefined ? [] : ['on a condition']),
    ...(waits === undefined ? [] : waitingFor(waits, message)),
  ]
}

function waitingFor({ after }: MessagePlace, message: readonly MessagePlace[]): readonly string[] {
  if (after.length === 0) return ['at once']
  return [`after ${after.flatMap((index) => message[index]?.entry.name ?? []).join(', ')}`]
}

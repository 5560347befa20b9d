/** Judges a configuration folder without putting it in force: what `postern check` says, and what `start` does first. */
import { accountMistakes } from './account-mistakes.ts'
import { aliasDoubts } from './alias-doubts.ts'
import { resolve } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { isDoubtClass, type DoubtClass } from '../config/doubt-classes.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { configurationResources } from '../config/resources.ts'
import type { Generation } from '../filter/generation.ts'
import { doubtsOfEntries } from '../filter/entry-doubts.ts'
import { trustedLoader } from './trusted-loader.ts'
import { isPosternError } from '../mail/errors.ts'
import { listVariables } from './environment-table.ts'
import { examinedAccounts } from './examined-accounts.ts'
import { listenKey } from '../runtime/listen-key.ts'
import { systemClock } from '../runtime/node/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { hostProcess } from '../runtime/node/process.ts'
import { keptByRoot } from '../runtime/node/kept.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import { spoolLayout } from '../queue/spool-layout.ts'
import { certificateDoubts, certificateMistakes, chosenDoubts, wantsOwn } from './certificates.ts'
import {
  resolverDoubts,
  rewritingDoubts,
  strangersFirstDoubts,
  unreachableDoubts,
} from './chain-doubts.ts'
import { chosenCertificates } from './chosen-certificates.ts'
import { claimedClientDoubts } from './claimed-client-doubts.ts'
import { assignDoubts, staleDoubts, unreadableDoubts } from './file-doubts.ts'
import { folderMistakes } from './folder-mistakes.ts'
import { loadChain } from './load-chain.ts'
import { LocalUsers } from './local-users.ts'
import { offlineDoors } from './offline-doors.ts'
import { outgoingTlsDoubts } from './outgoing-tls-doubts.ts'
import { silentLog } from './silent-log.ts'
import { makeIdentity } from './own-certificate.ts'
import { exposureDoubts } from './privileges/exposure-doubts.ts'
import { postmasterDoubts } from './postmaster-doubts.ts'
import { probeListeners } from './probe-listeners.ts'
import { digestLinkDoubts, quarantineDoubts } from './quarantine-doubts.ts'
import { readFolder } from './read-offline.ts'
import { proveNoRelay, type RelayProof } from './relay-proof.ts'
import { roleDoubts } from './role-doubts.ts'
import { ruleDoubts } from './rule-doubts.ts'
import { variableDoubts } from './variable-doubts.ts'
import { thresholdDoubts } from './threshold-doubts.ts'
import { choiceMistakes, TlsContexts } from './tls-contexts.ts'

export interface CheckedConfiguration {
  readonly mistakes: readonly Mistake[]
  /** Each with its class. */
  readonly doubts: readonly Mistake[]
  /** Those of classes that the operator has silenced. */
  readonly silenced: readonly SilencedDoubt[]
  /** What was judged. Missing where it cannot be read. */
  readonly configuration?: Configuration
  /** As the configuration has it, never opened. Missing where there are mistakes. */
  readonly generation?: Generation
  /** Missing where the chain cannot be judged. */
  readonly relay?: RelayProof
}

export interface SilencedDoubt extends Mistake {
  /** Why it does not matter here, in the operator's words. */
  readonly reason: string
}

/**
 * @param disk with a file as it might become, for whoever tries a change
 * @param read what the folder is read by, for whoever wants to know what was
 */
export async function checkConfiguration(
  folder: string,
  disk: Disk = systemDisk,
  read: Pick<Disk, 'readFileNow'> = disk,
): Promise<CheckedConfiguration> {
  const { configuration, mistakes, doubts } = readFolder(folder, read)
  if (configuration === undefined) return { mistakes, doubts, silenced: [] }
  const resources = configurationResources(resolve(folder), { disk, log: silentLog })
  const accounts = examinedAccounts(configuration)
  const loader = trustedLoader(configuration)
  try {
    const chain = await loadChain({
      configuration,
      loader,
      doors: offlineDoors(accounts),
      resources,
    })
    const { generation } = chain
    const unusable = certificateMistakes(configuration.listeners, nodeNet)
    const contexts = unusable.length > 0 ? undefined : contextsFor(configuration)
    const all = [
      ...mistakes,
      ...chain.mistakes,
      ...unusable,
      ...(generation === undefined || contexts === undefined
        ? []
        : choiceMistakes(configuration.listeners, generation.settingsOf, contexts)),
      ...(await folderMistakes(configuration, systemDisk)),
      ...(await portMistakes(configuration)),
      ...(await accountMistakes(configuration.accounts.path, accounts)),
    ]
    const relay =
      generation === undefined ? undefined : await proveNoRelay(configuration, generation)
    const found = [
      ...doubts,
      ...(isHalfRead([...mistakes, ...chain.mistakes]) ? [] : ofClass('chain', chain.doubts)),
      ...(generation === undefined || relay === undefined || isHalfRead(mistakes)
        ? []
        : await doubtsAbout(configuration, generation, { relay, contexts })),
      ...certificateDoubts(configuration.listeners, systemClock.now()),
    ]
    return {
      configuration,
      mistakes: all,
      ...divide(found, configuration.silenced),
      ...(generation === undefined || all.length > 0 ? {} : { generation }),
      ...(relay === undefined ? {} : { relay }),
    }
  } finally {
    await accounts.close()
    resources.close()
    loader.close()
  }
}

/** An entry or a listener that could not be read seems to be missing: what would be in doubt without it is not said. */
function isHalfRead(mistakes: readonly Mistake[]): boolean {
  return mistakes.some(({ key }) => /^(?:chain|listeners)\b/.test(key ?? ''))
}

async function doubtsAbout(
  configuration: Configuration,
  generation: Generation,
  { relay, contexts }: { readonly relay: RelayProof; readonly contexts: TlsContexts | undefined },
): Promise<readonly Mistake[]> {
  const chosen = chosenCertificates(configuration, generation)
  const others = chosen.map(({ path }) => path)
  return [
    ...ofClass('entry', await doubtsOfEntries(generation, configuration.chain)),
    ...relay.holes,
    ...claimedClientDoubts(configuration),
    ...unreachableDoubts(configuration, generation),
    ...strangersFirstDoubts(configuration, generation),
    ...rewritingDoubts(configuration, relay.entries),
    ...resolverDoubts(configuration, await resolvConf()),
    ...quarantineDoubts(configuration, generation),
    ...digestLinkDoubts(configuration, configuration.receiver.place.file),
    ...ofClass('chain', thresholdDoubts(configuration)),
    ...ofClass('useless-rule', ruleDoubts(configuration, generation, contexts?.problem)),
    ...ofClass(
      'useless-rule',
      await variableDoubts(configuration, () => listVariables(configuration)),
    ),
    ...outgoingTlsDoubts(configuration),
    ...postmasterDoubts(configuration, relay.entries),
    ...(await doubtsAboutRoles(configuration)),
    ...staleDoubts(configuration),
    ...assignDoubts(configuration, systemDisk),
    ...chosenDoubts(chosen, systemClock.now()),
    ...(await unreadableDoubts(configuration, systemDisk, { others })),
    ...(await exposureDoubts(configuration, { disk: systemDisk, uid: hostProcess.uid })),
  ]
}

async function doubtsAboutRoles(configuration: Configuration): Promise<readonly Mistake[]> {
  const clock = systemClock
  const doors = { disk: systemDisk, log: silentLog, clock, process: hostProcess }
  const users = new LocalUsers({
    doors: { ...doors, programs: nodePrograms(clock) },
    current: () => configuration,
  })
  try {
    const { control } = configuration
    const { directory } = users
    return [
      ...(await roleDoubts({ control, directory, disk: systemDisk, clock })),
      ...(await aliasDoubts({ control, directory, disk: systemDisk })),
    ]
  } finally {
    users.close()
  }
}

/** Those that have no class of their own. */
function ofClass(code: DoubtClass, doubts: readonly Mistake[]): readonly Mistake[] {
  return doubts.map((doubt) => ({ code, ...doubt }))
}

function divide(
  doubts: readonly Mistake[],
  silenced: Configuration['silenced'],
): Pick<CheckedConfiguration, 'doubts' | 'silenced'> {
  const reasonOf = ({ code }: Mistake): string | undefined =>
    code !== undefined && isDoubtClass(code) ? silenced.get(code) : undefined
  return {
    doubts: doubts.filter((doubt) => reasonOf(doubt) === undefined),
    silenced: doubts.flatMap((doubt) => {
      const reason = reasonOf(doubt)
      return reason === undefined ? [] : [{ ...doubt, reason }]
    }),
  }
}

async function resolvConf(): Promise<string> {
  try {
    return new TextDecoder().decode(await systemDisk.readFile('/etc/resolv.conf', 1 << 16))
  } catch (error) {
    if (isPosternError(error)) return ''
    throw error
  }
}

/** Our own certificate is made when the gateway starts; until then any will do. */
function contextsFor({ listeners, control }: Configuration): TlsContexts {
  const doors = { clock: systemClock, random: systemRandom }
  const own = listeners.some(wantsOwn) ? makeIdentity(control.me, doors) : undefined
  return new TlsContexts(listeners, nodeNet, own)
}

/** Ports that a running gateway of this very configuration holds are right to be taken. */
async function portMistakes({ listeners, spool }: Configuration): Promise<readonly Mistake[]> {
  // Those that root has opened for us are taken by ourselves.
  const kept = keptByRoot()?.ports
  const others = listeners.filter(({ address }) => kept?.has(listenKey(address)) !== true)
  const mistakes = await probeListeners(others, nodeNet)
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

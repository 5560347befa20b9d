/** Makes a configuration ready to be put in force: read, checked, its chain built and open. */
import { resolve } from 'node:path'
import {
  clientEnvironments,
  type ClientEnvironment,
  type ClientToRule,
} from '../config/client-environment.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { configurationResources, type OpenedResources } from '../config/resources.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import type { Generation } from '../filter/generation.ts'
import type { PluginLoader } from '../filter/loader.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Doors } from '../runtime/doors.ts'
import { certificateMistakes, wantsOwn } from './certificates.ts'
import { loadChain } from './load-chain.ts'
import { ownCertificate, ownCertificatePath } from './own-certificate.ts'
import { readFolder } from './read-offline.ts'
import { readRuleCertificates } from './rule-certificates.ts'
import { choiceMistakes, TlsContexts } from './tls-contexts.ts'

/** What a reload exchanges, as a whole. */
export interface Prepared {
  readonly configuration: Configuration
  /** Open. */
  readonly generation: Generation
  readonly environmentOf: (client: ClientToRule) => ClientEnvironment
  readonly certificates: TlsContexts
  /** Where the self-signed certificate lies, where a listener shows it. */
  readonly ownCertificate?: string
  /** To be closed when the generation is. */
  readonly resources: OpenedResources
}

export type Preparation =
  | { readonly ok: true; readonly prepared: Prepared }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

/** What a chain works with, and the disk that it is read from. */
export type PrepareDoors = ChainDoors & Pick<Doors, 'disk'>

export interface PrepareRequest {
  readonly folder: string
  readonly doors: PrepareDoors
  readonly loaderFor: (folders: readonly string[]) => PluginLoader
  /** What has been read of the folder just now; by default it is read. */
  readonly reading?: Configuration
  /** The same for one configuration after the other, where this is one of several. */
  readonly lineage?: object
  /** What the folder is read by. */
  readonly disk: Pick<Disk, 'readFileNow'>
}

export async function prepare({
  folder,
  doors,
  loaderFor,
  reading,
  lineage,
  disk,
}: PrepareRequest): Promise<Preparation> {
  const { configuration, mistakes } =
    reading === undefined ? readFolder(folder, disk) : { configuration: reading, mistakes: [] }
  if (configuration === undefined) return { ok: false, mistakes }
  const resources = configurationResources(resolve(folder), doors, lineage)
  const loader = loaderFor(configuration.pluginFolders)
  const chain = await loadChain({ configuration, loader, doors, resources })
  const { listeners, tcpRules, tcpRulesFile } = configuration
  const all = [...mistakes, ...chain.mistakes, ...certificateMistakes(listeners, doors.net)]
  const { generation } = chain
  const failure = generation === undefined || all.length > 0 ? undefined : await generation.open()
  if (failure !== undefined) {
    const problem = `the entry ${failure.entry} cannot be opened: ${failure.detail}`
    const remedy = 'mend what it depends on, or turn it off with mode: off'
    all.push({ file: configuration.receiver.place.file, key: 'chain', problem, remedy })
  }
  if (generation === undefined || all.length > 0) {
    resources.close()
    return { ok: false, mistakes: all }
  }
  const { tls, control } = configuration
  const own = listeners.some(wantsOwn) ? { folder: tls.path, hostname: control.me } : undefined
  const ownIdentity = own === undefined ? undefined : await ownCertificate(own, doors)
  const certificates = new TlsContexts(listeners, doors.net, ownIdentity)
  const unusable = choiceMistakes(listeners, generation.settingsOf, certificates)
  if (unusable.length > 0) {
    await generation.retire()
    resources.close()
    return { ok: false, mistakes: unusable }
  }
  readRuleCertificates(configuration, generation.settingsOf)
  return {
    ok: true,
    prepared: {
      configuration,
      generation,
      environmentOf: clientEnvironments(tcpRules, tcpRulesFile),
      certificates,
      ...(own === undefined ? {} : { ownCertificate: ownCertificatePath(own) }),
      resources,
    },
  }
}

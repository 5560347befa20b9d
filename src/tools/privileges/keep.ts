/** `postern start` under root: everything that root does, before the gateway's own account and beside it. */
import { join } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import type { Account } from '../../delivery/local/passwd.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Mistake } from '../../plugin/mistake.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { makeFileForGroup, makeFolderFor } from '../../runtime/node/given-folder.ts'
import { keptEnvironment, openRootsPorts, type OpenedPorts } from '../../runtime/node/kept.ts'
import { makePrivateFolder, removeLeftFolders } from '../../runtime/node/private-folder.ts'
import { systemRandom } from '../../runtime/node/random.ts'
import { writableByOthersThanRoot } from '../../runtime/node/root-owned.ts'
import { closeStrayDescriptors } from '../../runtime/node/stray-descriptors.ts'
import { socketsGiven, workerProcesses } from '../../runtime/node/workers.ts'
import { Keeper } from '../../workers/keeper.ts'
import type {
  FromDeliverer,
  KeptSignal,
  ToDeliverer,
  ToGateway,
} from '../../workers/keeper-messages.ts'
import { exposures } from './exposed-files.ts'
import { gatewayAccount, usualAccount, type AccountLookUp } from './gateway-account.ts'
import { preparePlaces } from './places.ts'

export interface Keeping {
  /** The configuration folder, as the operator wrote it. */
  readonly folder: string
  readonly configuration: Configuration
  readonly host: AccountLookUp
  /** Told of what root had better not act by. */
  readonly warn: (doubts: readonly Mistake[]) => void
  /** The programs of the deliverer and of the gateway. */
  readonly programs: { readonly deliverer: URL; readonly gateway: URL }
  /** That the gateway inherits by their numbers. */
  readonly descriptors: readonly number[]
  readonly onSignal: (signal: KeptSignal, callback: () => void) => void
}

const noExposures = { mistakes: [], doubts: [] }
const signals: readonly KeptSignal[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM']

/**
 * Runs until the gateway has ended.
 * @returns its exit code; or, where it may not or cannot begin, what is wrong and what to do
 */
export async function keep(keeping: Keeping): Promise<number | readonly Mistake[]> {
  const { configuration, host, warn } = keeping
  const account = await gatewayAccount(configuration.user ?? usualAccount, host)
  const exposed = account === undefined ? noExposures : exposures(configuration, account)
  const mistakes = [
    ...aboutAccount(configuration, account),
    ...exposed.mistakes,
    ...(account === undefined
      ? []
      : await preparePlaces(configuration, account, {
          disk: systemDisk,
          writableByOthers: writableByOthersThanRoot,
          makeFolderFor,
        })),
  ]
  if (account === undefined || mistakes.length > 0) return mistakes
  warn(exposed.doubts)
  const keyless = makeForwardingKey(configuration, account)
  if (keyless.length > 0) return keyless
  // Root's: the gateway and programs of users would inherit them.
  closeStrayDescriptors(new Set([...keeping.descriptors, ...socketsGiven()]))
  await removeLeftFolders(systemClock.now())
  const place = await makePrivateFolder()
  try {
    return await keepWith(keeping, { account, socket: join(place.path, 'deliverer') })
  } finally {
    await place.remove()
  }
}

async function keepWith(
  { folder, configuration, programs, descriptors, onSignal }: Keeping,
  { account, socket }: { readonly account: Account; readonly socket: string },
): Promise<number | readonly Mistake[]> {
  const keeper = new Keeper({
    folder,
    socket,
    group: account.gid,
    deliverers: workerProcesses<ToDeliverer, FromDeliverer>(programs.deliverer),
    clock: systemClock,
  })
  for (const signal of signals) onSignal(signal, () => keeper.pass(signal))
  try {
    const problem = await keeper.open()
    if (problem !== undefined) return [aboutDeliverer(configuration, problem)]
    const opened = await openRootsPorts(configuration.listeners.map(({ address }) => address))
    const owner = {
      uid: account.uid,
      gid: account.gid,
      environment: given(account, socket, opened),
    }
    const inherited = [...descriptors, ...opened.ports.values()]
    const ended = keeper.keep(workerProcesses<ToGateway, never>(programs.gateway, inherited, owner))
    await opened.close()
    return await ended
  } catch (error) {
    if (!isPosternError(error)) throw error
    const remedy = 'stop the other program, or choose another address'
    return [{ file: yamlOf(configuration), problem: error.message, remedy }]
  } finally {
    await keeper.stop()
  }
}

/** In the folder of root's the gateway could not make it when it first sends something on. */
function makeForwardingKey(
  { folder, delivery }: Configuration,
  { gid }: Account,
): readonly Mistake[] {
  const file = join(folder, 'control/srs.secret')
  if (!delivery.srs || writableByOthersThanRoot(file) !== undefined) return []
  try {
    const key = Buffer.from(systemRandom.bytes(24)).toString('base64url')
    makeFileForGroup(file, `${key}\n`, gid)
    return []
  } catch (error) {
    if (!isPosternError(error)) throw error
    const remedy = 'make it, a line of random letters, or say delivery: { srs: false }'
    return [{ file, problem: `cannot be made: ${error.message}`, remedy }]
  }
}

/** What the gateway finds in its environment in place of root's. */
function given(
  { home, name }: Account,
  deliverer: string,
  { ports }: OpenedPorts,
): Readonly<Record<string, string>> {
  return { ...keptEnvironment({ deliverer, ports }), HOME: home, USER: name, LOGNAME: name }
}

function aboutAccount(
  configuration: Configuration,
  account: Account | undefined,
): readonly Mistake[] {
  const file = yamlOf(configuration)
  const { user = usualAccount } = configuration
  if (account === undefined) {
    const problem = `there is no account ${user}, as whom the gateway works where root starts it`
    return [{ file, problem, remedy: accountRemedy }]
  }
  if (account.uid !== 0 && account.gid !== 0) return []
  return [{ file, problem: `${user} is root, or of the group of root`, remedy: accountRemedy }]
}

const accountRemedy =
  'adduser --system --group --no-create-home postern, or name another with user: NAME in postern.yaml (user: root: everything as root)'

function aboutDeliverer(configuration: Configuration, problem: string): Mistake {
  const remedy = 'mend what the problem names, then start again'
  return { file: yamlOf(configuration), problem: `the deliverer: ${problem}`, remedy }
}

function yamlOf({ folder }: Configuration): string {
  return join(folder, 'postern.yaml')
}

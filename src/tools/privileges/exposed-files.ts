/**
 * What root acts by where root starts the gateway: files that say as whom and what, programs that it runs, its own code. Whoever
 * else may change one of them is root, sooner or later: so sshd and qmail obey none of that kind.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Configuration, EntryConfiguration } from '../../config/configuration.ts'
import { isMap } from '../../config/reading.ts'
import type { Account } from '../../delivery/local/passwd.ts'
import type { Mistake } from '../../plugin/mistake.ts'
import { nodeFile } from '../../runtime/node/process.ts'
import {
  ownerOf,
  writableByAccount,
  writableByOthersThanRoot,
  writableByThirds,
} from '../../runtime/node/root-owned.ts'
import { localProgram } from '../local-program.ts'

/** What says as whom or what root starts, below the folder of the configuration. */
export const obeyedFiles = ['postern.yaml', 'users/cdb', 'users/assign', 'control/defaultdelivery']

/** Who may change what, as `runtime/node/root-owned.ts` finds it out. */
export interface Looks {
  readonly writableByOthers: (path: string) => string | undefined
  readonly writableByAccount: (path: string, account: Account) => string | undefined
}

/** A gateway that is root altogether is its installer's, too: a checkout that is mounted into a container, for one. */
function systemLooks(account: Account | undefined): Looks {
  const installer = ownerOf(fileURLToPath(import.meta.url))
  const writableByOthers =
    account === undefined
      ? (path: string) => writableByThirds(path, installer)
      : writableByOthersThanRoot
  return { writableByOthers, writableByAccount }
}

export type Exposable = Pick<Configuration, 'folder' | 'pluginFolders'> & {
  readonly delivery: Pick<Configuration['delivery'], 'local'>
  readonly chain: readonly Pick<EntryConfiguration, 'plugin' | 'mode' | 'options'>[]
}

export interface Exposures {
  /** With these root starts nothing. */
  readonly mistakes: readonly Mistake[]
  readonly doubts: readonly Mistake[]
}

/**
 * @param account as whom the gateway works; undefined: as root, and then its plugins are root's, too
 * @returns each place once, with what it is to root
 */
export function exposures(
  configuration: Exposable,
  account: Account | undefined,
  looks: Looks = systemLooks(account),
): Exposures {
  const mistakes = new Map<string, Mistake>()
  const doubts = new Map<string, Mistake>()
  const { writableByOthers } = looks
  const yaml = join(configuration.folder, 'postern.yaml')
  const place = writableByOthers(yaml)
  if (place !== undefined) {
    const found = account === undefined ? doubts : mistakes
    found.set(place, exposed(place, 'it says what root does'))
  }
  for (const path of ownCode()) {
    const taken = account && looks.writableByAccount(path, account)
    if (account !== undefined && taken !== undefined) {
      mistakes.set(taken, exposed(taken, `root runs ${path}`, account.name))
    }
    const others = writableByOthers(path)
    if (others !== undefined && !mistakes.has(others) && !doubts.has(others)) {
      doubts.set(others, exposed(others, `root runs ${path}`))
    }
  }
  for (const [path, why] of obeyed(configuration, account === undefined)) {
    const others = writableByOthers(path)
    if (others === undefined || mistakes.has(others) || doubts.has(others)) continue
    doubts.set(others, exposed(others, why))
  }
  return { mistakes: [...mistakes.values()], doubts: [...doubts.values()] }
}

/**
 * Of a program's command line: the file that others than root may change, and where. Its arguments may be scripts, or
 * programs that it goes on with.
 */
export function exposedProgram(
  command: readonly string[],
  writableByOthers: Looks['writableByOthers'],
): { readonly file: string; readonly at: string } | undefined {
  for (const file of command.filter((word) => word.startsWith('/'))) {
    const at = writableByOthers(file)
    if (at !== undefined) return { file, at }
  }
  return undefined
}

/** Command lines of checkpassword programs in the chain. */
export function loginPrograms(chain: Exposable['chain']): readonly (readonly string[])[] {
  return chain.flatMap(({ plugin, mode, options }) => {
    const command = isMap(options) ? options['command'] : undefined
    const isOne = plugin === 'checkpassword' && mode !== 'off' && Array.isArray(command)
    return isOne ? [command.filter((word) => typeof word === 'string')] : []
  })
}

/** Files with what each is to root. */
function* obeyed(
  { folder, delivery, chain, pluginFolders }: Exposable,
  pluginsToo: boolean,
): Generator<readonly [path: string, why: string]> {
  if (delivery.local === 'users') {
    const why =
      'mail to users of this host waits meanwhile: it says who they are, or what is done for them'
    for (const name of obeyedFiles) yield [join(folder, name), why]
  }
  for (const command of loginPrograms(chain)) {
    const why = `root runs ${command[0] ?? ''} for logins, and refuses to meanwhile`
    for (const word of command) if (word.startsWith('/')) yield [word, why]
  }
  if (!pluginsToo) return
  yield [join(folder, 'control'), 'root obeys what is in it']
  for (const { plugin, mode } of chain) {
    if (mode === 'off') continue
    // Where it lies is found out by loading it; a folder that is not there is no danger.
    for (const plugins of pluginFolders) yield [join(plugins, plugin), 'root runs plugins from it']
  }
}

/** Samples of it: who installs it for another than root does so with all of it. */
function ownCode(): readonly string[] {
  const own = fileURLToPath(import.meta.url)
  const libraries = fileURLToPath(new URL('../../../node_modules', import.meta.url))
  return [own, localProgram[0], libraries, nodeFile]
}

function exposed(path: string, why: string, who = 'others than root'): Mistake {
  return {
    file: path,
    problem: `may be written by ${who}, and ${why}`,
    remedy: `chown root ${path} and chmod go-w ${path}`,
    code: 'exposed-file',
  }
}

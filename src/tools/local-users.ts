/** Who receives mail on this host, as the configuration in force says; its files are followed. */
import type { Configuration } from '../config/configuration.ts'
import { configurationResources, type OpenedResources } from '../config/resources.ts'
import { HostAccounts } from '../delivery/local/host-accounts.ts'
import type { Account } from '../delivery/local/passwd.ts'
import { userDirectory, type UserDirectory } from '../delivery/local/user-directory.ts'
import { assignCdb } from '../formats/assign.ts'
import type { Doors } from '../runtime/doors.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { followedAssignments } from './followed-assignments.ts'

export interface LocalUsersParts {
  readonly doors: Pick<Doors, 'disk' | 'log' | 'clock' | 'programs' | 'process'>
  readonly current: () => Configuration
}

/** What is opened is opened when it is first asked for. */
export class LocalUsers {
  readonly #parts: LocalUsersParts
  readonly #accounts: HostAccounts
  #resources: OpenedResources | undefined
  #directory: UserDirectory | undefined

  constructor(parts: LocalUsersParts) {
    this.#parts = parts
    this.#accounts = new HostAccounts(parts.doors)
  }

  /** `undefined` where mail for this host goes to Maildirs by address. */
  get directory(): UserDirectory | undefined {
    if (this.#parts.current().delivery.local !== 'users') return undefined
    this.#directory ??= this.#open()
    return this.#directory
  }

  close(): void {
    this.#resources?.close()
  }

  #open(): UserDirectory {
    const { doors, current } = this.#parts
    const resources = configurationResources(current().folder, doors)
    this.#resources = resources
    const cdb = resources.cdb('users/cdb')
    const compiled = assignCdb(cdb)
    const assign = followedAssignments(resources.file('users/assign'), doors.log)
    return userDirectory({
      disk: doors.disk,
      assignments: () => (cdb.present ? compiled : assign.current),
      accounts: async (name) => this.#accounts.find(name),
      alias: async () => (await this.#accounts.find('alias')) ?? this.#ownAlias(),
    })
  }

  /** A folder of ours stands for the home of alias; what is in it is done as ourselves. */
  async #ownAlias(): Promise<Account | undefined> {
    const { doors, current } = this.#parts
    const { alias: home } = current().delivery
    const stat = await unlessMissing(doors.disk.stat(home))
    if (stat?.kind !== 'directory') return undefined
    return { name: 'alias', uid: stat.uid, gid: stat.gid, home }
  }
}

/** What a vpopmail has: from its folders, from a dump of its MySQL tables, or from both. Nothing is changed. */
import { join } from 'node:path'
import { parseDotQmailText, type Instruction } from '../formats/dot-qmail.ts'
import { parseMysqlDump, type DumpRow } from '../formats/mysql-dump.ts'
import { latin1, readable } from '../formats/octets.ts'
import { vpopmailAliasDomains } from '../formats/vpopmail/alias-domains.ts'
import {
  disabledBitsOf,
  limitsOf,
  limitWords,
  type VpopmailLimits,
} from '../formats/vpopmail/limits.ts'
import { domainOfFolder } from '../formats/vpopmail/vdelivermail.ts'
import { parseVpasswd, userOf, type VpopmailUser } from '../formats/vpopmail/vpasswd.ts'
import { asciiDomain } from '../mail/domain.ts'
import type { Disk } from '../runtime/disk.ts'
import { unlessMissing } from '../runtime/missing.ts'

export interface VpopmailDomain {
  readonly name: string
  readonly users: Map<string, VpopmailUser>
  limits: VpopmailLimits
  /** Bits of pw_gid that its limits set for everybody. */
  disabled: number
  /** What `.qmail-default` says; without a line that delivers it throws mail away. Undefined where there is none. */
  catchAll: readonly Instruction[] | undefined
  /** Of `.qmail-NAME`, of the table valias, and of users' own `.qmail`, by local-part; none of them: mail is thrown away. */
  readonly lines: Map<string, readonly Instruction[]>
}

export interface Vpopmail {
  /** By name. */
  readonly domains: ReadonlyMap<string, VpopmailDomain>
  /** Other names of them: the domain that each means. */
  readonly aliases: ReadonlyMap<string, string>
  readonly doubts: readonly string[]
}

export interface VpopmailSources {
  /** The home of vpopmail, with `domains/` in it. */
  readonly home?: string
  /** The file that mysqldump wrote. */
  readonly dump?: string
  /** users/assign of its qmail, which names alias domains; it may be missing. */
  readonly assign?: string
}

type VpopmailDisk = Pick<Disk, 'list' | 'readFile' | 'stat'>

/** @throws PosternError NOT_FOUND, DISK_FAILED */
export async function readVpopmail(
  disk: VpopmailDisk,
  { home, dump, assign }: VpopmailSources,
): Promise<Vpopmail> {
  const reader = new VpopmailReader(disk)
  if (assign !== undefined) await reader.readAssign(assign)
  if (dump !== undefined) await reader.readDump(dump)
  if (home !== undefined) await reader.readFolders(join(home, 'domains'), deepest)
  else if (reader.domains.size > 0) {
    reader.doubts.push('catch-alls and .qmail-NAME are files: without the home, they are not seen')
  }
  return reader
}

/** vpopmail puts domains into folders of one character once there are many. */
const deepest = 3
/** Of a dump, by name. Built for few domains, a vpopmail has a table of users for each: `example_org`. */
const tables = ['vpopmail', 'valias', 'limits', 'dir_control', 'aliasdomains']
const largestDump = 400 << 20
const largestFile = 64 << 20
const largestDotQmail = 1 << 20
const folderMark = '.qmail-'

class VpopmailReader implements Vpopmail {
  readonly domains = new Map<string, VpopmailDomain>()
  readonly aliases = new Map<string, string>()
  readonly doubts: string[] = []
  readonly #disk: VpopmailDisk

  constructor(disk: VpopmailDisk) {
    this.#disk = disk
  }

  async readAssign(path: string): Promise<void> {
    const assign = (await this.#textOf(path, largestFile)) ?? ''
    for (const [name, domain] of vpopmailAliasDomains(assign)) this.aliases.set(name, domain)
  }

  async readDump(path: string): Promise<void> {
    const text = latin1(await this.#disk.readFile(path, largestDump))
    const { rows, mistakes } = parseMysqlDump(
      text,
      (table, columns) => tables.includes(table) || hasUsers(columns ?? []),
    )
    this.doubts.push(...mistakes.map((mistake) => `${path}: ${mistake}`))
    if (rows.size === 0) this.doubts.push(`${path}: holds no rows of ${tables.join(', ')}`)
    for (const row of rows.get('aliasdomains') ?? []) {
      const name = column(row, 'alias').toLowerCase()
      const domain = column(row, 'domain').toLowerCase()
      if (name.includes('.') && name !== domain) this.aliases.set(name, domain)
    }
    // It names each domain, those without users too; its own bookkeeping is the domain `dom_N`.
    for (const row of rows.get('dir_control') ?? []) {
      if (column(row, 'domain').includes('.')) this.#domain(column(row, 'domain'))
    }
    for (const [table, users] of rows) {
      if (hasUsers([...(users[0]?.keys() ?? [])])) this.#takeUsers(path, table, users)
    }
    const limits = rows.get('limits') ?? []
    for (const [row, domain] of this.#ofDomains(path, 'limits', limits)) {
      const said = [...row].flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, value] as const] : [],
      )
      limit(domain, new Map(said))
    }
    const aliases = rows.get('valias') ?? []
    for (const [row, domain] of this.#ofDomains(path, 'valias', aliases)) addAlias(domain, row)
    for (const domain of this.domains.values()) {
      domain.catchAll = domain.lines.get('default')
      domain.lines.delete('default')
    }
  }

  #takeUsers(path: string, table: string, users: readonly DumpRow[]): void {
    const named = [...this.domains.keys()].find((name) => name.replaceAll(/[.-]/g, '_') === table)
    const domainOf = (row: DumpRow): string => userDomain(row) ?? named ?? ''
    for (const [row, domain] of this.#ofDomains(path, table, users, domainOf)) {
      this.#takeUser(row, domain, `${path}: ${table}`)
    }
  }

  #takeUser(row: DumpRow, domain: VpopmailDomain, where: string): void {
    const fields = {
      name: column(row, 'pw_name'),
      hash: column(row, 'pw_passwd'),
      gid: column(row, 'pw_gid'),
      folder: column(row, 'pw_dir'),
      quota: column(row, 'pw_shell'),
    }
    const user = userOf(fields, (why) => this.doubts.push(`${where}, ${domain.name}: ${why}`))
    if (user !== undefined) domain.users.set(user.name, user)
  }

  /** Each row with its domain. A dump of several databases may hold a table of the same name that is none of vpopmail's. */
  *#ofDomains(
    path: string,
    table: string,
    rows: readonly DumpRow[],
    domainOf = (row: DumpRow): string => column(row, 'domain'),
  ): Generator<readonly [DumpRow, VpopmailDomain]> {
    let strange = 0
    for (const row of rows) {
      const name = domainOf(row)
      if (asciiDomain(name) === '') strange += 1
      else yield [row, this.#domain(name)]
    }
    if (strange > 0) this.doubts.push(`${path}: rows of ${table} that name no domain: ${strange}`)
  }

  async readFolders(folder: string, depth: number): Promise<void> {
    for (const name of (await this.#disk.list(folder)).toSorted()) {
      const path = join(folder, name)
      // oxlint-disable-next-line no-await-in-loop -- in their order, so that what is told has one
      const kind = await this.#kindOf(path)
      // The folder of an alias domain is a link to that of the domain it means.
      if (kind !== 'directory' || this.aliases.has(name.toLowerCase())) continue
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (name.includes('.')) await this.#readDomain(name, path)
      // oxlint-disable-next-line no-await-in-loop -- as above
      else if (name.length === 1 && depth > 1) await this.readFolders(path, depth - 1)
    }
  }

  async #readDomain(name: string, folder: string): Promise<void> {
    const domain = this.#domain(name)
    const vpasswd = join(folder, 'vpasswd')
    const { users, doubts } = parseVpasswd((await this.#textOf(vpasswd, largestFile)) ?? '')
    this.doubts.push(...doubts.map((doubt) => `${vpasswd}: ${doubt}`))
    for (const user of users) domain.users.set(user.name, user)
    const limits = await this.#textOf(join(folder, '.qmailadmin-limits'), largestFile)
    if (limits !== undefined) limit(domain, limitWords(limits))
    for (const file of (await this.#disk.list(folder)).toSorted()) {
      if (!file.startsWith(folderMark)) continue
      // oxlint-disable-next-line no-await-in-loop -- as above
      const instructions = await this.#instructionsOf(join(folder, file))
      const extension = file.slice(folderMark.length)
      // vdelivermail, which stands in that file, asks the table first.
      if (extension === 'default') domain.catchAll ??= instructions
      else if (instructions !== undefined) {
        domain.lines.set(extension.replaceAll(':', '.').toLowerCase(), instructions)
      }
    }
    for (const user of domain.users.values()) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      await this.#readUser(domain, user, folder)
    }
  }

  /** A user's own `.qmail` is obeyed where no `.qmail-NAME` of the domain was. */
  async #readUser(domain: VpopmailDomain, user: VpopmailUser, folder: string): Promise<void> {
    const below = user.folder.split(`/${domain.name}/`).at(-1) ?? ''
    const named = [below, user.name].find((path) => isBelow(path))
    if (named === undefined) return
    const instructions = await this.#instructionsOf(join(folder, named, '.qmail'))
    if (instructions !== undefined && !domain.lines.has(user.name)) {
      domain.lines.set(user.name, instructions)
    }
  }

  #domain(written: string): VpopmailDomain {
    const name = written.toLowerCase()
    const known = this.domains.get(name)
    if (known !== undefined) return known
    const made = {
      name,
      users: new Map(),
      limits: {},
      disabled: 0,
      catchAll: undefined,
      lines: new Map(),
    }
    this.domains.set(name, made)
    return made
  }

  /** @returns undefined where nothing is written there: that means the mailbox, as no file does */
  async #instructionsOf(path: string): Promise<readonly Instruction[] | undefined> {
    const text = await this.#textOf(path, largestDotQmail)
    if (text === undefined || text === '') return undefined
    return parseDotQmailText(text).instructions
  }

  async #textOf(path: string, maxBytes: number): Promise<string | undefined> {
    if ((await this.#kindOf(path)) !== 'file') return undefined
    return readable(await this.#disk.readFile(path, maxBytes))
  }

  async #kindOf(path: string): Promise<'file' | 'directory' | 'other' | undefined> {
    return (await unlessMissing(this.#disk.stat(path)))?.kind
  }
}

function limit(domain: VpopmailDomain, words: ReadonlyMap<string, string>): void {
  domain.limits = limitsOf(words)
  domain.disabled = disabledBitsOf(words)
}

function addAlias({ lines }: VpopmailDomain, row: DumpRow): void {
  const name = column(row, 'alias').toLowerCase()
  const { instructions } = parseDotQmailText(column(row, 'valias_line'))
  lines.set(name, [...(lines.get(name) ?? []), ...instructions])
}

/** Nothing outside the folder of the domain is ever read for a user. */
function isBelow(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.split('/').includes('..')
}

function hasUsers(columns: readonly string[]): boolean {
  return columns.includes('pw_name') && columns.includes('pw_passwd')
}

/** @returns undefined for a row of a table of one domain whose folder does not name it */
function userDomain(row: DumpRow): string | undefined {
  return row.has('pw_domain') ? column(row, 'pw_domain') : domainOfFolder(column(row, 'pw_dir'))
}

function column(row: DumpRow, name: string): string {
  return row.get(name) ?? ''
}

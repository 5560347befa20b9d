/**
 * `mkvalidrcptto [-n] [-c file]`: the recipients of this host, by its control files, users, accounts and .qmail files, as
 * lines or as validrcptto.cdb.
 */
import { join } from 'node:path'
import { HostAccounts } from '../../delivery/local/host-accounts.ts'
import { fileName } from '../../delivery/local/dot-qmail-file.ts'
import { parsePasswd, receivesMail, type Account } from '../../delivery/local/passwd.ts'
import { buildCdb } from '../../formats/cdb-writer.ts'
import { parseLocals } from '../../formats/control-domains.ts'
import { controlLine, controlTable } from '../../formats/control.ts'
import { errorWords } from '../../formats/error-words.ts'
import { getopt, illegalOption } from '../../formats/getopt.ts'
import { latin1, latin1Bytes, lowerAscii, utf8Octets } from '../../formats/octets.ts'
import {
  validRecipients,
  type RecipientDomain,
  type Territory,
  type VirtualRecipient,
} from '../../formats/users/valid-recipients.ts'
import { isPosternError } from '../../mail/errors.ts'
import { unlessMissing, unlessMissingNow } from '../../runtime/missing.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { errnoOf, MadeFile, MakingFailed } from '../../runtime/node/made-file.ts'
import type { Programs } from '../../runtime/programs.ts'
import type { Surroundings } from './surroundings.ts'
import { done, fatal, type ToolEnd } from './tool-end.ts'

const program = 'mkvalidrcptto'

/**
 * @param folder that holds `control/`, `users/`, and `alias/` where there is no account of that name
 * @param told called with how many names of recipients have been found in the homes so far
 */
export async function mkvalidrcptto(
  call: Surroundings,
  folder: string,
  told: (found: number) => void = () => undefined,
): Promise<ToolEnd> {
  // Guides write -n; what it once meant is about output that we do not make.
  const { options, illegal } = getopt(call.args, 'nc:')
  if (illegal !== undefined) return { exit: 100, out: '', err: illegalOption(program, illegal) }
  const cdb = options.findLast(({ letter }) => letter === 'c')?.value
  try {
    if (cdb !== undefined && (await isThere(cdb))) {
      return fatal(program, 111, `${utf8Octets(cdb)} is there already`)
    }
    const { domains, recipients, doubts } = domainsIn(folder)
    const territories = await territoriesOf(folder, call.queue.programs, told)
    const keys = [...validRecipients(territories, domains, recipients)]
    const err = doubts.map((doubt) => `${program}: warning: ${doubt}\n`).join('')
    if (cdb === undefined) {
      return { ...done(keys.map(([key, valid]) => `${key}${valid ? '' : ' -'}\n`).join('')), err }
    }
    const records = keys.map(
      ([key, valid]) => [latin1Bytes(key), latin1Bytes(valid ? '' : '-')] as const,
    )
    new MadeFile(`${cdb}.tmp`).finish(cdb, buildCdb(records))
    return { ...done(), err }
  } catch (error) {
    if (error instanceof MakingFailed || isPosternError(error)) {
      return fatal(program, 111, `${utf8Octets(error.message)}: ${errorWords(errnoOf(error))}`)
    }
    throw error
  }
}

interface Domains {
  readonly domains: readonly RecipientDomain[]
  readonly recipients: readonly VirtualRecipient[]
  readonly doubts: readonly string[]
}

function domainsIn(folder: string): Domains {
  const file = (name: string): Uint8Array | undefined => contentOf(join(folder, 'control', name))
  const me = controlLine(file('me'), '').value
  const locals = parseLocals(file('locals'), me).value
  const domains = [...locals].map((domain) => ({ domain: utf8Octets(domain), prefix: '' }))
  const recipients: VirtualRecipient[] = []
  const doubts: string[] = []
  for (const [key, { value }] of controlTable(file('virtualdomains')).value) {
    const at = key.lastIndexOf('@')
    const domain = key.slice(at + 1)
    if (value === '' || locals.has(domain)) continue
    const prefix = `${lowerAscii(utf8Octets(value))}-`
    if (domain === '' || domain.startsWith('.')) {
      doubts.push(`control/virtualdomains: ${utf8Octets(key)}: such recipients cannot be listed`)
    } else if (at === -1) domains.push({ domain: utf8Octets(key), prefix })
    else {
      const address = utf8Octets(key)
      recipients.push({ address, local: `${prefix}${address.slice(0, address.lastIndexOf('@'))}` })
    }
  }
  return { domains, recipients, doubts }
}

/** users/assign first; then, where it leaves anything, the accounts, and alias. */
async function territoriesOf(
  folder: string,
  programs: Programs,
  told: (found: number) => void,
): Promise<readonly Territory[]> {
  const homes = new Homes(told)
  const territories: Territory[] = []
  for (const line of linesOf(contentOf(join(folder, 'users/assign')))) {
    if (line.startsWith('.')) break
    const [local = '', , , , home = '', dash = '', extension, rest] = line.slice(1).split(':')
    if (extension === undefined || rest === undefined) continue
    // oxlint-disable-next-line no-await-in-loop -- their order counts
    territories.push({
      prefix: lowerAscii(local),
      exact: !line.startsWith('+'),
      dash,
      extension: safe(extension),
      ...(await homes.at(home, dash)),
    })
  }
  if (territories.some(({ exact, prefix }) => !exact && prefix === '')) return territories
  const accounts = [...parsePasswd(systemDisk.readFileNow('/etc/passwd')).values()]
  for (const account of accounts) {
    // oxlint-disable-next-line no-await-in-loop -- hosts have thousands
    if (!receivesMail(account, await ownerOf(account.home))) continue
    // oxlint-disable-next-line no-await-in-loop -- as above
    const found = await homes.at(account.home)
    const { name: prefix } = account
    territories.push({ prefix, exact: true, dash: '', extension: '', ...found })
    territories.push({ prefix: `${prefix}-`, exact: false, dash: '-', extension: '', ...found })
  }
  const home = (await aliasAccount(programs))?.home ?? utf8Octets(join(folder, 'alias'))
  territories.push({
    prefix: '',
    exact: false,
    dash: '-',
    extension: '',
    ...(await homes.at(home)),
  })
  return territories
}

async function aliasAccount(programs: Programs): Promise<Account | undefined> {
  return new HostAccounts({ disk: systemDisk, clock: systemClock, programs }).find('alias')
}

type HomeFiles = Pick<Territory, 'files' | 'mailboxes'>

/** Each folder is read once: a home, or what a dash with a slash leads to in it, as `-/` leads to `.qmail-/`. */
class Homes {
  readonly #known = new Map<string, HomeFiles>()
  readonly #told: (found: number) => void
  #found = 0

  constructor(told: (found: number) => void) {
    this.#told = told
  }

  async at(home: string, dash = ''): Promise<HomeFiles> {
    const below = dash.slice(0, dash.lastIndexOf('/') + 1)
    const key = `${home}\0${below}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const read = below === '' ? await filesIn(home) : { files: await filesBelow(home, below) }
    this.#known.set(key, read)
    this.#found += 1 + read.files.length + (read.mailboxes?.length ?? 0)
    this.#told(this.#found)
    return read
  }
}

const stem = '.qmail'

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await unlessMissing(systemDisk.list(fileName(folder)))) ?? []
}

async function filesBelow(home: string, below: string): Promise<readonly string[]> {
  const names = await namesIn(`${home}/${stem}${below}`)
  return names
    .filter(isLookedFor)
    .map((name) => `${below}${safe(utf8Octets(name))}`)
    .toSorted()
}

async function filesIn(home: string): Promise<HomeFiles> {
  const names = await namesIn(home)
  const files = names
    .filter((name) => name.startsWith(stem) && isLookedFor(name.slice(stem.length)))
    .map((name) => safe(utf8Octets(name).slice(stem.length)))
    .toSorted()
  const instructions = contentOf(join(fileName(home), '.qmail-default'))
  if (instructions === undefined || !takesMailboxesOnly(latin1(instructions))) return { files }
  const users = linesOf(contentOf(join(fileName(home), 'vpasswd')))
  const mailboxes = users.flatMap((line) => (line.includes(':') ? (line.split(':')[0] ?? []) : []))
  return { files, mailboxes: mailboxes.map(lowerAscii) }
}

/** As vpopmail writes it for a domain without a catch-all. */
function takesMailboxesOnly(instructions: string): boolean {
  return /^\|.*\bvdelivermail\b.*\b(?:bounce-no-mailbox|delete)\s*$/m.test(instructions)
}

/** Extensions are looked for in lower case, with colons for dots: any other file is nobody's. */
function isLookedFor(name: string): boolean {
  return !/[A-Z.]/.test(name)
}

/** Files have colons where addresses have dots. */
function safe(extension: string): string {
  return lowerAscii(extension).replaceAll(':', '.')
}

function linesOf(bytes: Uint8Array | undefined): readonly string[] {
  return bytes === undefined ? [] : latin1(bytes).split('\n')
}

function contentOf(path: string): Uint8Array | undefined {
  return unlessMissingNow(() => systemDisk.readFileNow(path))
}

async function isThere(path: string): Promise<boolean> {
  return (await statOf(path)) !== undefined
}

async function ownerOf(home: string): Promise<number | undefined> {
  return (await statOf(fileName(home)))?.uid
}

async function statOf(path: string) {
  return unlessMissing(systemDisk.stat(path))
}

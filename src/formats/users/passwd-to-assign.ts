/**
 * What qmail-pw2u makes of /etc/passwd: the lines of users/assign by which every account gets its mail, with names that
 * are left out, added or mapped by the files beside it. Text is one character for each byte.
 */
import { latin1, lowerAscii, trimBlanks } from '../octets.ts'

export interface PasswdOptions {
  /** What stands before an extension: `-`, or `-/` for files in a folder `.qmail-`. */
  readonly dash: '-' | '-/'
  /** What an extension begins with in an address; empty: there are no extensions. */
  readonly breakCharacter: string
  readonly upperCase: boolean
  /** Of a home that is not there: the account is skipped, or nothing is made at all; or homes are not looked at. */
  readonly missingHome: 'skip' | 'stop' | 'ignore'
}

/** The files in users/, where they are there. */
export interface PasswdFiles {
  readonly include: Uint8Array | undefined
  readonly exclude: Uint8Array | undefined
  readonly mailnames: Uint8Array | undefined
  readonly subusers: Uint8Array | undefined
  readonly append: Uint8Array | undefined
}

export interface PasswdSource {
  readonly passwd: Uint8Array
  readonly files: PasswdFiles
  readonly options: PasswdOptions
  /** `unknown`: it cannot be told now. */
  readonly ownerOf: (home: string) => Promise<number | 'missing' | 'unknown'>
}

/** What is printed, and what keeps it from being whole. */
export interface PasswdAssign {
  readonly text: string
  readonly trouble?: string
}

/** The user to whom belongs what belongs to nobody. */
const aliasUser = 'alias'

export async function passwdToAssign(source: PasswdSource): Promise<PasswdAssign> {
  const { files, options } = source
  const accounts = await accountsOf(source)
  // What was said before the end of the input is lost with it.
  if ('missing' in accounts) return { text: '', trouble: `unable to stat ${accounts.missing}` }
  const mailnames = namesTable(files.mailnames)
  const text = accounts.found.map((account) => accountLines(account, mailnames, options)).join('')
  if (!accounts.found.some(({ user }) => user === aliasUser)) {
    return { text, trouble: `unable to find ${aliasUser} user` }
  }
  const subusers = subuserLines(files.subusers, accounts.found, options)
  if ('unknown' in subusers) {
    return { text, trouble: `unable to find ${subusers.unknown} user for subuser` }
  }
  const append = files.append === undefined ? '' : latin1(files.append)
  return { text: `${text}${subusers.text}${append}.\n` }
}

interface PasswdAccount {
  readonly user: string
  /** `:user:uid:gid:home:` as in users/assign. */
  readonly fields: string
}

type Accounts = { readonly found: readonly PasswdAccount[] } | { readonly missing: string }

async function accountsOf({ passwd, files, options, ownerOf }: PasswdSource): Promise<Accounts> {
  const included = namesTable(files.include)
  const excluded = namesTable(files.exclude)
  const found: PasswdAccount[] = []
  for (const line of latin1(passwd).split('\n')) {
    const [user = '', , uidText = '', gid = '', , home = '', shell] = line.split(':')
    if (shell === undefined || line.includes('\0')) continue
    const uid = Number(/^\d*/.exec(uidText)?.[0])
    if (uid === 0 || (!options.upperCase && /[A-Z]/.test(user))) continue
    if (included !== undefined && !included.has(lowerAscii(user))) continue
    if (excluded?.has(lowerAscii(user)) === true) continue
    if (options.missingHome !== 'ignore') {
      // oxlint-disable-next-line no-await-in-loop -- hosts with many thousands of accounts would ask for all at once
      const owner = await ownerOf(home)
      if (owner === 'unknown' || (owner === 'missing' && options.missingHome === 'stop')) {
        return { missing: home }
      }
      if (owner !== uid) continue
    }
    found.push({ user, fields: `:${user}:${uidText}:${gid}:${home}:` })
  }
  return { found }
}

type NamesTable = ReadonlyMap<string, string> | undefined

function accountLines(
  { user, fields }: PasswdAccount,
  mailnames: NamesTable,
  { dash, breakCharacter }: PasswdOptions,
): string {
  const everybody = user === aliasUser ? `+${fields}${dash}::\n` : ''
  const names = mailnames?.get(lowerAscii(user)) ?? user
  const own = names
    .split(':')
    .filter((name) => name !== '')
    .map((name) => {
      const extended = breakCharacter === '' ? '' : `+${name}${breakCharacter}${fields}${dash}::\n`
      return `=${name}${fields}::\n${extended}`
    })
  return everybody + own.join('')
}

function subuserLines(
  bytes: Uint8Array | undefined,
  accounts: readonly PasswdAccount[],
  { dash, breakCharacter }: PasswdOptions,
): { readonly text: string } | { readonly unknown: string } {
  if (bytes === undefined) return { text: '' }
  const fieldsOf = new Map(accounts.map(({ user, fields }) => [lowerAscii(user), fields]))
  let text = ''
  for (const line of latin1(bytes).split('\n')) {
    const [sub = '', user, before, rest] = line.split(':')
    if (user === undefined || before === undefined) continue
    const fields = fieldsOf.get(lowerAscii(user))
    if (fields === undefined) return { unknown: user }
    if (rest === undefined) continue
    text += `=${sub}${fields}${dash}:${before}:\n`
    if (breakCharacter !== '') text += `+${sub}${breakCharacter}${fields}${dash}:${before}-:\n`
  }
  return { text }
}

/** Lines `name` or `name:value`, by lower-cased name; of two with one name the last counts. */
function namesTable(bytes: Uint8Array | undefined): NamesTable {
  if (bytes === undefined) return undefined
  const table = new Map<string, string>()
  for (const raw of latin1(bytes).split('\n')) {
    const line = trimBlanks(raw)
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    if (colon < 0) table.set(lowerAscii(line), '')
    else table.set(lowerAscii(line.slice(0, colon)), line.slice(colon + 1))
  }
  return table
}

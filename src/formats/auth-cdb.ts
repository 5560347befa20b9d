/**
 * The values of auth.cdb: a password hash up to the first comma, then variables for who logs in, `NAME="value"`, between
 * commas. What `postern mkauth` reads is the same as text, a user and the value on each line.
 */
import type { LineMistake } from './line-mistake.ts'
import { cryptHashRemedy, readCryptHash } from './crypt-hash/read-crypt-hash.ts'

export interface AuthRecord {
  /** As it stands, whether it is a hash or not. */
  readonly hash: string
  readonly variables: ReadonlyMap<string, string>
  /** In seconds since the epoch: from then on nobody logs in; NaN where it is no number. */
  readonly expiresAt?: number
  /** What SCRAM-SHA-256 is held against (formats/scram-secret.ts), as it stands. */
  readonly scram?: string
}

/** What holds commas of its own: the parameters of Argon2, the rounds of Sun's MD5. */
const headWithCommas = /^\$(?:argon2[a-z]{1,2}\$v=\d+\$m=\d+,t=\d+,p=\d+|md5,rounds=\d+)\$/

/** Variables stop at the first that is none. The value may stand between any two equal characters, as in tcprules. */
export function readAuthRecord(value: Uint8Array): AuthRecord {
  const text = Buffer.from(value).toString()
  const head = headWithCommas.exec(text)?.[0] ?? ''
  const comma = text.indexOf(',', head.length)
  const hash = comma < 0 ? text : text.slice(0, comma)
  const variables = new Map(comma < 0 ? [] : readVariables(text.slice(comma)))
  const end = take(variables, expiresName)
  const scram = take(variables, scramName)
  return {
    hash,
    variables,
    ...(end === undefined ? {} : { expiresAt: /^\d{1,15}$/.test(end) ? Number(end) : Number.NaN }),
    ...(scram === undefined ? {} : { scram }),
  }
}

/** What is said about the account itself, and is no variable of its sessions. */
const expiresName = 'PASSWORD_EXPIRES'
const scramName = 'SCRAM_SHA_256'

function take(variables: Map<string, string>, name: string): string | undefined {
  const value = variables.get(name)
  variables.delete(name)
  return value
}

/** The same as a value of auth.cdb; it reads back as it was. */
export function formatAuthRecord({ hash, variables, expiresAt, scram }: AuthRecord): string {
  const all = [
    ...(expiresAt === undefined ? [] : [[expiresName, String(expiresAt)] as const]),
    ...(scram === undefined ? [] : [[scramName, scram] as const]),
    ...variables,
  ]
  return [hash, ...all.map(([name, value]) => `${name}=${quoted(value)}`)].join(',')
}

/** Between characters that the value does not hold. */
function quoted(value: string): string {
  const quote = ['"', '/', "'", '|', '~', '^', '%'].find((each) => !value.includes(each)) ?? '"'
  return `${quote}${value}${quote}`
}

function* readVariables(text: string): Generator<readonly [string, string]> {
  let rest = text
  while (rest.startsWith(',')) {
    const equals = rest.indexOf('=')
    const name = rest.slice(1, Math.max(equals, 1))
    const quote = rest[equals + 1]
    if (!/^[A-Za-z_]\w*$/.test(name) || quote === undefined) return
    const end = rest.indexOf(quote, equals + 2)
    if (end < 0) return
    yield [name, rest.slice(equals + 2, end)]
    rest = rest.slice(end + 1)
  }
}

export interface AuthLines {
  readonly entries: readonly (readonly [user: Uint8Array, value: Uint8Array])[]
  /** Lines that let nobody log in; all but those without a value are entries all the same. */
  readonly mistakes: readonly LineMistake[]
}

/** Reads `user value` lines; empty lines and those that begin with `#` are skipped. */
export function parseAuthLines(text: string): AuthLines {
  const entries: (readonly [Uint8Array, Uint8Array])[] = []
  const mistakes: LineMistake[] = []
  for (const [index, written] of text.split('\n').entries()) {
    const line = written.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, user, value] = /^(\S+)\s+(\S.*)$/.exec(line) ?? []
    const wrong = (remedy: string): void => {
      mistakes.push({ line: index + 1, text: `${user ?? '***'} ***`, remedy })
    }
    if (user === undefined || value === undefined) {
      wrong('write the user, a blank and the password hash')
      continue
    }
    const bytes = Buffer.from(value)
    entries.push([Buffer.from(user), bytes])
    const remedy = authRecordRemedy(readAuthRecord(bytes))
    if (remedy !== undefined) wrong(remedy)
  }
  return { entries, mistakes }
}

/** What would let somebody log in by a record that lets nobody; nothing for one that does, or is locked on purpose. */
export function authRecordRemedy({ hash, expiresAt }: AuthRecord): string | undefined {
  if (Number.isNaN(expiresAt)) return `write ${expiresName} as seconds since 1970`
  const reading = readCryptHash(hash)
  return reading.ok ? undefined : cryptHashRemedy(reading.problem)
}

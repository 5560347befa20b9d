/** Users as vpopmail has them: lines of `vpasswd`, or rows of its table `vpopmail`. */
import { parseQuota, type Quota } from '../../mail/quota.ts'

export interface VpopmailUser {
  /** Local-part. */
  readonly name: string
  /** As crypt(3) writes it. */
  readonly hash: string
  /** The bits of pw_gid. */
  readonly bits: number
  /** The folder of the user: `…/domains/example.org/alice`. */
  readonly folder: string
  /** Absent: that of the domain. */
  readonly quota?: Quota
}

/** Bits of pw_gid that mean something here (vpopmail.h). */
export const vpopmailBits = Object.freeze({
  noPop: 0x02,
  noWebmail: 0x04,
  noImap: 0x08,
  noMail: 0x10,
  noRelay: 0x20,
  noSmtp: 0x800,
  /** What the domain may not does not count for this user. */
  override: 0x2000,
})

export interface ReadUsers {
  readonly users: readonly VpopmailUser[]
  /** What could not be taken as it stands, each with its line. */
  readonly doubts: readonly string[]
}

/** With or without the password in the clear behind the quota. */
const leastFields = 7

/** `name:hash:uid:gid:gecos:folder:quota:password`, one a line, of equal names the first; blank lines and comments mean nothing. */
export function parseVpasswd(text: string): ReadUsers {
  const users = new Map<string, VpopmailUser>()
  const doubts: string[] = []
  for (const [at, whole] of text.split('\n').entries()) {
    const line = whole.replace(/\r$/, '')
    if (line.trim() === '' || line.startsWith('#')) continue
    const told = (why: string): unknown => doubts.push(`line ${at + 1}: ${why}`)
    const fields = line.split(':')
    const [name = '', hash = '', , gid = '', , folder = '', quota = ''] = fields
    if (fields.length < leastFields) {
      told(`has ${fields.length} fields, where vpasswd has ${leastFields} or 8; it is left out`)
    } else {
      const user = userOf({ name, hash, gid, folder, quota }, told)
      if (user === undefined) continue
      if (users.has(user.name)) told(`${user.name} is there already; it is left out`)
      else users.set(user.name, user)
    }
  }
  return { users: [...users.values()], doubts }
}

export interface VpopmailFields {
  readonly name: string
  /** Empty: the user has no password (`vadduser -n`), but mail. */
  readonly hash: string
  readonly gid: string
  readonly folder: string
  readonly quota: string
}

/** Nobody's password has this hash, as in /etc/shadow. */
const nobodys = '*'

/**
 * @param told what of them means nothing
 * @returns undefined for what names nobody
 */
export function userOf(
  { name, hash, gid, folder, quota }: VpopmailFields,
  told: (why: string) => void,
): VpopmailUser | undefined {
  if (name === '') {
    told('has no name; it is left out')
    return undefined
  }
  const isNumber = /^\d{1,9}$/.test(gid)
  if (!isNumber)
    told(`${name}: ${JSON.stringify(gid)} is no pw_gid; nothing is forbidden to this user`)
  const limit = parseQuota(quota)
  if (limit === undefined && quota !== '') {
    told(`${name}: ${JSON.stringify(quota)} is no quota; that of the domain counts`)
  }
  return {
    name: name.toLowerCase(),
    hash: hash === '' ? nobodys : hash,
    bits: isNumber ? Number(gid) : 0,
    folder,
    ...(limit === undefined ? {} : { quota: limit }),
  }
}

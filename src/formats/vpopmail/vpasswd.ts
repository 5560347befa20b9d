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
  noMail: 0x10,
  noRelay: 0x20,
  noSmtp: 0x800,
  /** What the domain may not does not count for this user. */
  override: 0x2000,
})

/** `name:hash:uid:gid:gecos:folder:quota:password`, one a line; others are skipped. */
export function parseVpasswd(text: string): readonly VpopmailUser[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', hash = '', , gid = '', , folder = '', quota = ''] = line
      .replace(/\r$/, '')
      .split(':')
    return userOf({ name, hash, gid, folder, quota }) ?? []
  })
}

export interface VpopmailFields {
  readonly name: string
  readonly hash: string
  readonly gid: string
  readonly folder: string
  readonly quota: string
}

/** @returns undefined for what names nobody, such as a comment */
export function userOf({
  name,
  hash,
  gid,
  folder,
  quota,
}: VpopmailFields): VpopmailUser | undefined {
  if (name === '' || name.startsWith('#') || hash === '') return undefined
  const limit = parseQuota(quota)
  return {
    name: name.toLowerCase(),
    hash,
    bits: /^\d{1,9}$/.test(gid) ? Number(gid) : 0,
    folder,
    ...(limit === undefined ? {} : { quota: limit }),
  }
}

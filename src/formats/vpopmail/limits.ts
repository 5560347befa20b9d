/** Limits of a domain: `.qmailadmin-limits`, or a row of the table `limits`. Both use the same words, or nearly. */
import type { MailDomain } from '../../mail/mail-domain.ts'
import type { Quota } from '../../mail/quota.ts'
import { vpopmailBits } from './vpasswd.ts'

export type VpopmailLimits = Pick<MailDomain, 'maxUsers' | 'maxAliases' | 'quota' | 'defaultQuota'>

/** What the file says (`word: value`, one a line), as the columns of the table say it. */
export function limitWords(text: string): ReadonlyMap<string, string> {
  const words = text.split('\n').flatMap((line): (readonly [string, string])[] => {
    const [word = '', value = ''] = line.split(/[ \t:\r]+/).filter((part) => part !== '')
    return word === '' ? [] : [[word, value]]
  })
  return new Map(words)
}

/**
 * What nobody of the domain may, but for users whose own bits say that these count alone.
 * @returns bits of pw_gid
 */
export function disabledBitsOf(words: ReadonlyMap<string, string>): number {
  // In the file the word is enough; the table has a number beside each.
  const isSet = (word: string): boolean => (words.get(word) ?? '0') !== '0'
  const { noPop, noImap, noWebmail, noSmtp, noRelay } = vpopmailBits
  return (
    (isSet('disable_pop') ? noPop : 0) |
    (isSet('disable_imap') ? noImap : 0) |
    (isSet('disable_webmail') ? noWebmail : 0) |
    (isSet('disable_smtp') ? noSmtp : 0) |
    (isSet('disable_relay') ? noRelay : 0)
  )
}

/** The disk quota of a domain counts megabytes, that of a user bytes. */
const megabyte = 1 << 20

/** @param words of the file, or the columns of the table. A number that is missing or negative is no limit. */
export function limitsOf(words: ReadonlyMap<string, string>): VpopmailLimits {
  const at = (...names: readonly string[]): number | undefined => {
    const text = names.map((name) => words.get(name)).find((value) => value !== undefined)
    return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined
  }
  const maxUsers = at('maxpopaccounts')
  const maxAliases = sum(at('maxaliases'), at('maxforwards'))
  const quota = quotaOf(sum(0, at('diskquota', 'quota'), megabyte), at('maxmsgcount'))
  const defaultQuota = quotaOf(
    at('defaultquota', 'default_quota'),
    at('defaultmaxmsgcount', 'default_maxmsgcount'),
  )
  return {
    ...(maxUsers === undefined ? {} : { maxUsers }),
    ...(maxAliases === undefined ? {} : { maxAliases }),
    ...(quota === undefined ? {} : { quota }),
    ...(defaultQuota === undefined ? {} : { defaultQuota }),
  }
}

/** Without one of them there is no limit. */
function sum(a: number | undefined, b: number | undefined, unit = 1): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b * unit
}

/** 0 is no limit here. */
function quotaOf(bytes = 0, messages = 0): Quota | undefined {
  if (bytes === 0 && messages === 0) return undefined
  return { ...(bytes === 0 ? {} : { bytes }), ...(messages === 0 ? {} : { messages }) }
}

/**
 * Who receives mail for a local part, by the accounts of this host (qmail-getpw.8): the account of that name, or the one
 * before a hyphen, the longest first; and the user alias for everybody else.
 */
import { latin1 } from '../../formats/octets.ts'
import type { Assignment } from '../../formats/assign.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** Longer names are nobody's. */
const mostNameBytes = 31

/** @param bytes as /etc/passwd or getent(1) has them; lines that are none are passed over */
export function parsePasswd(bytes: Uint8Array): ReadonlyMap<string, Account> {
  const accounts = new Map<string, Account>()
  for (const line of latin1(bytes).split('\n')) {
    const account = accountOf(line)
    if (account !== undefined && !accounts.has(account.name)) accounts.set(account.name, account)
  }
  return accounts
}

function accountOf(line: string): Account | undefined {
  const [name = '', , uid = '', gid = '', , home = '', shell] = line.split(':')
  if (shell === undefined || name === '' || !home.startsWith('/')) return undefined
  if (!/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) return undefined
  return { name, uid: Number(uid), gid: Number(gid), home }
}

/** The accounts that may be meant, the first that receives mail counts; the rest of the local part is its extension. */
export function* candidates(
  local: string,
): Generator<{ readonly name: string; readonly dash: string; readonly extension: string }> {
  const at = (end: number): string => local.slice(0, end).toLowerCase()
  if (local.length <= mostNameBytes) yield { name: at(local.length), dash: '', extension: '' }
  for (let cut = local.lastIndexOf('-'); cut > 0; cut = local.lastIndexOf('-', cut - 1)) {
    if (cut > mostNameBytes) continue
    yield { name: at(cut), dash: '-', extension: local.slice(cut + 1) }
  }
}

/** Accounts that are no persons receive none: root, those with capitals, those whose home is somebody else's or not there. */
export function receivesMail({ name, uid }: Account, homeOwner: number | undefined): boolean {
  return uid !== 0 && !/[A-Z]/.test(name) && homeOwner === uid
}

export function assignmentTo(
  { name, uid, gid, home }: Account,
  { dash, extension }: { readonly dash: string; readonly extension: string },
): Assignment {
  return { user: name, uid, gid, home, dash, extension }
}

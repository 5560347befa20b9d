/**
 * Names to which everybody may write, and whose mail would reach nobody here: of this host (qmail's INSTALL.alias) and of its
 * virtual domains (RFC 5321 §4.5.1, RFC 2142), where the users of this host and their .qmail files have the mail.
 */
import type { Configuration } from '../config/configuration.ts'
import { fileName } from '../delivery/local/dot-qmail-file.ts'
import type { UserDirectory } from '../delivery/local/user-directory.ts'
import type { Assignment } from '../formats/assign.ts'
import { dotQmailNames } from '../formats/dot-qmail.ts'
import { utf8Octets } from '../formats/octets.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'

export interface RoleParts {
  readonly control: Pick<Configuration['control'], 'me' | 'locals' | 'virtualDomains'>
  /** Absent where all mail for this host goes to Maildirs by address: each name has one. */
  readonly directory: UserDirectory | undefined
  readonly disk: Pick<Disk, 'stat'>
  readonly clock: Pick<Clock, 'monotonicMs'>
}

const ofHost = ['postmaster', 'mailer-daemon', 'abuse', 'root']
const ofDomain = ['postmaster', 'abuse']

const mostDomains = 1000
const mostNamed = 5
/** Accounts may lie in a directory service that is slow, and somebody waits: who was not asked for by then is not doubted. */
const longestMs = 2_000

export async function roleDoubts({
  control,
  directory,
  disk,
  clock,
}: RoleParts): Promise<readonly Mistake[]> {
  if (directory === undefined) return []
  const unreached = { host: new Array<string>(), domain: new Array<string>() }
  const until = clock.monotonicMs() + longestMs
  for (const { of, address, local } of rolesOf(control)) {
    if (clock.monotonicMs() > until) break
    // oxlint-disable-next-line no-await-in-loop -- one after the other, for as long as there is time
    const found = await foundNow(directory, local)
    if (found === 'unknown') break
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (found === undefined || !(await mayObey(found, disk))) unreached[of].push(address)
  }
  return [
    ...doubtAbout('control/locals', unreached.host, 'in the home of alias'),
    ...doubtAbout(
      'control/virtualdomains',
      unreached.domain,
      'in the home of the user who has the domain',
    ),
  ]
}

/** An address, and the local part by which its mail is delivered. */
interface Role {
  readonly of: 'host' | 'domain'
  readonly address: string
  readonly local: string
}

function* rolesOf({ me, locals, virtualDomains }: RoleParts['control']): Generator<Role> {
  const host = locals.has(me.toLowerCase()) ? me : [...locals].at(0)
  for (const role of host === undefined ? [] : ofHost) {
    yield { of: 'host', address: `${role}@${host}`, local: role }
  }
  // What stands in locals is not looked up there.
  const virtual = virtualDomains.domains.filter((domain) => !locals.has(domain))
  for (const domain of virtual.slice(0, mostDomains)) {
    for (const role of ofDomain) {
      const address = `${role}@${domain}`
      const prefix = virtualDomains.find(address)?.prefix ?? ''
      if (prefix !== '') yield { of: 'domain', address, local: utf8Octets(`${prefix}-${role}`) }
    }
  }
}

function doubtAbout(file: string, addresses: readonly string[], where: string): Mistake[] {
  if (addresses.length === 0) return []
  const named = addresses.slice(0, mostNamed).join(', ')
  const others = addresses.length > mostNamed ? ` and ${addresses.length - mostNamed} others` : ''
  return [
    {
      file,
      problem: `mail for ${named}${others} reaches nobody`,
      remedy: `write .qmail files for them, ${where}`,
      code: 'no-postmaster',
    },
  ]
}

/** Where nobody can say it of one, nobody can of the others: each would be waited for. */
async function foundNow(
  directory: UserDirectory,
  local: string,
): Promise<Assignment | 'unknown' | undefined> {
  try {
    return await directory.find(local)
  } catch {
    return 'unknown'
  }
}

/** Also where that is not for us to see. */
async function mayObey(found: Assignment, disk: RoleParts['disk']): Promise<boolean> {
  try {
    return await isObeyed(found, disk)
  } catch {
    return true
  }
}

/** Looks for the file as a delivery does, and opens none: it is its owner's. */
async function isObeyed(
  { home, dash, extension }: Pick<Assignment, 'home' | 'dash' | 'extension'>,
  disk: RoleParts['disk'],
): Promise<boolean> {
  if (dash === '') return true
  for (const { name } of dotQmailNames(dash, extension)) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- the first that is there
      if ((await disk.stat(fileName(`${home}/${name}`))).kind === 'file') return true
    } catch (error) {
      if (!isPosternError(error, 'NOT_FOUND')) throw error
    }
  }
  return false
}

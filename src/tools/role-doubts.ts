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
import type { Disk } from '../runtime/disk.ts'

export interface RoleParts {
  readonly control: Pick<Configuration['control'], 'me' | 'locals' | 'virtualDomains'>
  /** Absent where all mail for this host goes to Maildirs by address: each name has one. */
  readonly directory: UserDirectory | undefined
  readonly disk: Pick<Disk, 'stat'>
}

const ofHost = ['postmaster', 'mailer-daemon', 'abuse', 'root']
const ofDomain = ['postmaster', 'abuse']

const mostDomains = 1000
const mostNamed = 5

export async function roleDoubts({
  control,
  directory,
  disk,
}: RoleParts): Promise<readonly Mistake[]> {
  if (directory === undefined) return []
  const { me, locals, virtualDomains } = control
  const reached = (local: string): Promise<boolean> => mayReach(local, { directory, disk })
  const host = locals.has(me.toLowerCase()) ? me : [...locals].at(0)
  const unreached: string[] = []
  for (const role of host === undefined ? [] : ofHost) {
    // oxlint-disable-next-line no-await-in-loop -- some files of our own, while nobody waits
    if (!(await reached(role))) unreached.push(`${role}@${host}`)
  }
  const virtual: string[] = []
  for (const domain of virtualDomains.domains.slice(0, mostDomains)) {
    for (const address of ofDomain.map((role) => `${role}@${domain}`)) {
      const prefix = virtualDomains.find(address)?.prefix ?? ''
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (prefix !== '' && !(await reached(utf8Octets(`${prefix}-${address.split('@')[0]}`))))
        virtual.push(address)
    }
  }
  return [
    ...doubtAbout('control/locals', unreached, 'in the home of alias'),
    ...doubtAbout('control/virtualdomains', virtual, 'in the home of the user who has the domain'),
  ]
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

/** Also where that cannot be told, by us or now. */
async function mayReach(
  local: string,
  { directory, disk }: { readonly directory: UserDirectory; readonly disk: RoleParts['disk'] },
): Promise<boolean> {
  try {
    const found = await directory.find(local)
    return found !== undefined && (await isObeyed(found, disk))
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

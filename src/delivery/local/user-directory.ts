/**
 * Who receives what is for this host: `users/cdb` or `users/assign` first, then the accounts, then the user alias, as
 * qmail-lspawn asks them.
 */
import type { Assignment, Assignments } from '../../formats/assign.ts'
import type { Disk } from '../../runtime/disk.ts'
import { unlessMissing } from '../../runtime/missing.ts'
import { fileName } from './dot-qmail-file.ts'
import { assignmentTo, candidates, receivesMail, type Account } from './passwd.ts'

export interface UserDirectory {
  /**
   * @param local in any case; one character for each byte
   * @returns `undefined`: nobody, not even alias
   * @throws PosternError DISK_FAILED; CdbError for a damaged users/cdb
   */
  find(local: string): Promise<Assignment | undefined>
}

export interface UserDirectoryParts {
  readonly disk: Pick<Disk, 'stat'>
  /** Absent where there are neither users/cdb nor users/assign. */
  readonly assignments: () => Assignments | undefined
  readonly accounts: (name: string) => Promise<Account | undefined>
  /** The account whose .qmail files are for everybody else. */
  readonly alias: () => Promise<Account | undefined>
}

export function userDirectory(parts: UserDirectoryParts): UserDirectory {
  return {
    async find(local) {
      const assigned = parts.assignments()?.find(local)
      if (assigned !== undefined) return withRest(assigned, local)
      for (const { name, ...rest } of candidates(local)) {
        const account = await parts.accounts(name)
        if (account === undefined) continue
        if (receivesMail(account, await ownerOf(parts.disk, account.home))) {
          return assignmentTo(account, rest)
        }
      }
      const alias = await parts.alias()
      return alias && assignmentTo(alias, { dash: '-', extension: local })
    },
  }
}

/** What follows a wildcard's prefix belongs to the extension, in the sender's own case. */
function withRest(assignment: Assignment, local: string): Assignment {
  const { prefix, extension } = assignment
  if (prefix === undefined) return assignment
  return { ...assignment, extension: extension + local.slice(prefix.length) }
}

async function ownerOf(disk: Pick<Disk, 'stat'>, home: string): Promise<number | undefined> {
  return (await unlessMissing(disk.stat(fileName(home))))?.uid
}

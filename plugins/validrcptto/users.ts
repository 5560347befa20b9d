/**
 * Recipients by users/assign: those of the domains in control/locals, and those of control/virtualdomains, behind the prefix
 * of their domain. The line `+:` stands for everybody and is no proof that somebody exists: it is passed over.
 */
import {
  assignCdb,
  controlLine,
  parseAssign,
  parseLocals,
  parseVirtualDomains,
  type CdbTable,
  type FollowedFile,
  type Mailbox,
} from 'postern/plugin'

export interface Found {
  /** What decided. */
  readonly key: string
  readonly valid: boolean
}

export interface Users {
  /** Whether there are any to ask. */
  readonly present: boolean
  find(mailbox: Mailbox): Found | undefined
}

export interface UserFiles {
  readonly users: FollowedFile
  readonly users_cdb: CdbTable
  readonly locals: FollowedFile
  readonly virtualdomains: FollowedFile
  readonly me: FollowedFile
}

/** @throws Error where users/assign has mistakes: half a list would refuse the other half */
export function followUsers(files: UserFiles): Users {
  const assign = files.users.follow((bytes) => {
    const { value, mistakes } = parseAssign(bytes)
    const [first] = mistakes
    if (first !== undefined) throw new Error(`${files.users.path}:${first.line}: ${first.remedy}`)
    return bytes === undefined ? undefined : value
  })
  const me = files.me.follow((bytes) => controlLine(bytes, '').value)
  const localsBytes = files.locals.follow((bytes) => bytes)
  const virtual = files.virtualdomains.follow((bytes) => parseVirtualDomains(bytes).value)
  const cdb = assignCdb(files.users_cdb)
  const localNames = latest(() => [localsBytes.current, me.current] as const, parseLocals)
  return {
    get present() {
      return files.users_cdb.present || assign.current !== undefined
    },
    find({ localPart, domain }) {
      const assignments = files.users_cdb.present ? cdb : assign.current
      if (assignments === undefined) return undefined
      const lower = domain.toLowerCase()
      const isLocal = domain === '' || localNames().value.has(lower)
      const prefix = isLocal ? '' : virtual.current.find(`${localPart}@${lower}`)?.prefix
      if (prefix === undefined || (prefix === '' && !isLocal)) return undefined
      const local = prefix === '' ? localPart : `${prefix}-${localPart}`
      const found = assignments.find(local)
      return found === undefined || found.prefix === ''
        ? undefined
        : { key: `users/${found.user}`, valid: true }
    },
  }
}

/** Makes something anew only where what it is made of is another. */
function latest<A, B, T>(parts: () => readonly [A, B], make: (a: A, b: B) => T): () => T {
  let made: { readonly parts: readonly [A, B]; readonly value: T } | undefined
  return () => {
    const [a, b] = parts()
    if (made === undefined || made.parts[0] !== a || made.parts[1] !== b) {
      made = { parts: [a, b], value: make(a, b) }
    }
    return made.value
  }
}

/** Who may log in to the administration, for `postern admin`: on admin.db, whether the gateway runs or not. */
import { Access } from '../admin/access/access.ts'
import { Journal } from '../admin/journal.ts'
import { Passwords } from '../admin/passwords.ts'
import { permissions, permissionsOf, roles } from '../admin/permissions.ts'
import type { Caller } from '../admin/route.ts'
import { PosternError } from '../mail/errors.ts'
import { openAdminRecords } from '../runtime/node/admin-records.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { nodeDns } from '../runtime/node/dns.ts'
import { nodeJobs } from '../runtime/node/jobs.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { silentLog } from './silent-log.ts'
import { adminRecordsPath } from './open-administration.ts'
import { readOffline } from './read-offline.ts'

/** Who there can be: mailbox users log in with their account. */
export const adminRoles = roles.filter((role) => role !== 'mailbox')
export const adminPermissions = permissions

export interface AdminDesk {
  readonly access: Access
  /** Whoever may read the file may do everything. */
  readonly caller: Caller
  readonly signal: AbortSignal
  /** How people reach the administration. */
  readonly url: string
  /** Into the audit log. */
  readonly record: (what: string, target: string) => void
}

const patienceMs = 30_000

/** @param config the configuration folder. @throws PosternError CONFIG_INVALID where the administration is off; STORE_FAILED */
export async function withAdminDesk<T>(
  config: string,
  work: (desk: AdminDesk) => Promise<T>,
): Promise<T> {
  const { admin } = readOffline(config)
  if (admin === undefined) throw new PosternError('CONFIG_INVALID', 'admin is off')
  const clock = systemClock
  const records = openAdminRecords(adminRecordsPath(admin))
  const jobs = nodeJobs({ clock, dns: nodeDns() })
  const { host, port } = admin.listen
  const scheme = admin.tls === undefined ? 'http' : 'https'
  const journal = new Journal(records, clock, silentLog)
  try {
    return await work({
      access: new Access({
        records,
        clock,
        random: systemRandom,
        passwords: new Passwords(jobs, systemRandom),
        accounts: { verify: async () => false },
        times: admin,
      }),
      caller,
      signal: AbortSignal.timeout(patienceMs),
      url: admin.publicUrl ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
      record: (what, target) => journal.record({ caller, what, target, done: true }),
    })
  } finally {
    records.close()
    await jobs.close()
  }
}

const caller: Caller = {
  name: 'postern admin',
  role: 'admin',
  domains: [],
  scope: { what: 'all' },
  permissions: permissionsOf('admin'),
  from: 'command line',
  by: 'nobody',
}

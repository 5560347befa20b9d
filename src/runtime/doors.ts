import type { Accounts } from './accounts.ts'
import type { Archive } from './archive.ts'
import type { Clock } from './clock.ts'
import type { Continuations } from './continuations.ts'
import type { Counters } from './counters.ts'
import type { Deliverer } from './deliverer.ts'
import type { Disk } from './disk.ts'
import type { Dns } from './dns.ts'
import type { Jobs } from './jobs.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { MailboxRoom } from './mailbox-room.ts'
import type { Net } from './net.ts'
import type { HostProcess } from './process.ts'
import type { Programs } from './programs.ts'
import type { Random } from './random.ts'
import type { SecureDns } from './secure-dns.ts'
import type { Store } from './store.ts'

/** All doors to the outside world: whoever owns this owns what the program can see and do. */
export interface Doors {
  readonly accounts: Accounts
  readonly clock: Clock
  readonly continuations: Continuations
  readonly counters: Counters
  /** Missing where the gateway has nobody who is root. */
  readonly deliverer?: Deliverer
  readonly disk: Disk
  readonly dns: Dns
  readonly jobs: Jobs
  readonly log: Log
  readonly metrics: Metrics
  /** Missing where no mail is kept. */
  readonly mailboxes?: MailboxRoom
  readonly net: Net
  readonly process: HostProcess
  readonly programs: Programs
  readonly random: Random
  readonly secureDns: SecureDns
  readonly store: Store
  /** What happened to mail, and why. */
  readonly traces: Archive
}

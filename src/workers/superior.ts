import type { Counters } from '../runtime/counters.ts'
import type { HopTurns } from '../runtime/hop-turns.ts'
import type { SlotLeases } from '../runtime/slot-leases.ts'
import type { HandedListener } from '../runtime/net.ts'
import type { ReloadReport } from './messages.ts'
import type { Places } from './own-places.ts'

/** What a worker has of its supervisor. */
export interface Superior {
  /** What all workers count together; absent where there is one. */
  readonly counters?: Counters | undefined
  /** For connections; absent where there is one. */
  readonly places?: Places | undefined
  /** At next hops that have limits; absent where there is one. */
  readonly turns?: HopTurns | undefined
  /** Of deliveries; absent where there is one. */
  readonly slots?: SlotLeases | undefined
  /** Listening sockets of the one before, by address. */
  readonly handed?: ReadonlyMap<string, HandedListener>
  /** The socket of the deliverer, where root keeps the gateway. */
  readonly deliverer?: string | undefined
  readonly offer?: (address: string, listener: HandedListener) => void
  /** Resolves when spool and sockets may be taken. @param addresses those that will be listened on */
  turn?(addresses: readonly string[]): Promise<void>
  /** Told of each reload, whoever wanted it. */
  reloaded?(report: ReloadReport): void
}

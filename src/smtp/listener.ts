/** Listens, and stops: a close lets transactions finish up to a deadline and sends idle clients away. */
import type { Clock } from '../runtime/clock.ts'
import type { ListenAddress, NetListener } from '../runtime/net.ts'
import type { ListenerDoors, ListenerOptions, ListenerParts } from './listener-parts.ts'
import { Reception } from './reception.ts'

export interface SmtpListener {
  readonly name: string
  /** With the port that the system chose where 0 was asked for. */
  readonly address: ListenAddress
  /** Sessions now. */
  readonly sessions: number
  /**
   * Accepts no more; idle clients are told 421 at once, others when their transaction is over, all after `graceMs` but
   * those whose message is being committed: they hear first what came of it.
   * Resolves when the last connection is closed.
   */
  close(graceMs: number): Promise<void>
}

/** @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
export async function listen(
  options: ListenerOptions,
  parts: ListenerParts,
): Promise<SmtpListener> {
  const reception = new Reception(options, parts)
  const { doors } = parts
  const socket = await doors.net.listen({
    address: options.address,
    socketMode: options.socketMode,
    accepted: (connection) => reception.accept(connection),
    failed: acceptFailed(options.name, doors),
  })
  return {
    name: options.name,
    address: socket.address,
    get sessions() {
      return reception.sessions
    },
    close: (graceMs) => close(socket, reception, graceMs, doors.clock),
  }
}

/** Once a second is enough: what it wants for is wanted for by each connection. */
function acceptFailed(listener: string, { clock, log }: ListenerDoors): (error: Error) => void {
  let silentUntilMs = 0
  return (error) => {
    const nowMs = clock.monotonicMs()
    if (nowMs < silentUntilMs) return
    silentUntilMs = nowMs + 1_000
    log.error('accept.failed', { listener, error: error.message })
  }
}

async function close(
  socket: NetListener,
  reception: Reception,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  const stopped = socket.close()
  const empty = reception.retire()
  const timer = clock.after(graceMs, () => reception.dismiss())
  await Promise.all([stopped, empty])
  timer.cancel()
}

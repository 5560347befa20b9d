/** Clients that may not come in: each is told why, where it would understand that, and let go. */
import { formatReply, type Reply } from '../mail/reply.ts'
import type { Log } from '../runtime/log.ts'
import type { Connection } from '../runtime/net.ts'
import type { LimitName } from './admission.ts'
import type { ListenerMeter } from './listener-meter.ts'
import type { ListenerOptions } from './listener-parts.ts'

/** Those that may be on their way at one time. */
const mostLeaving = 100

/** What it is told. */
export interface Farewell {
  /** Absent: it is no limit that keeps it out. */
  readonly limit?: LimitName
  readonly reply: Reply
}

export interface FarewellsParts {
  readonly log: Log
  readonly meter: ListenerMeter
  /** Called when one has gone. */
  gone(): void
}

export class Farewells {
  readonly #options: Pick<ListenerOptions, 'name' | 'tls' | 'wordless'>
  readonly #parts: FarewellsParts
  /** Told, and not gone yet. */
  readonly #leaving = new Set<Connection>()

  constructor(options: Pick<ListenerOptions, 'name' | 'tls' | 'wordless'>, parts: FarewellsParts) {
    this.#options = options
    this.#parts = parts
  }

  /** How many have not gone yet. */
  get size(): number {
    return this.#leaving.size
  }

  /** @param remote who it is, for whomever the connection speaks */
  say(connection: Connection, remote: Connection['remote'], { limit, reply }: Farewell): void {
    const { log, meter } = this.#parts
    meter.refused(limit ?? 'policy')
    const text = formatReply(reply)
    log.info('connection.refused', {
      listener: this.#options.name,
      remote: remote.address,
      limit,
      reply: text.trimEnd(),
    })
    // Who expects a handshake, or another protocol, would not understand a farewell.
    if (this.#options.tls === 'implicit' || this.#options.wordless === true) {
      connection.destroy()
      this.#parts.gone()
      return
    }
    // In a flood, and where descriptors are short, nobody lingers: whoever does not read at once has missed it.
    if (this.#leaving.size >= mostLeaving || limit === 'descriptors') {
      connection.write(text)
      connection.destroy()
      this.#parts.gone()
      return
    }
    this.#leaving.add(connection)
    connection.attach({
      data: () => {},
      ended: () => {},
      drained: () => {},
      closed: () => {
        this.#leaving.delete(connection)
        this.#parts.gone()
      },
    })
    connection.resume()
    connection.write(text)
    connection.end()
  }

  /** Nobody is waited for any longer. */
  cut(): void {
    for (const connection of this.#leaving) connection.destroy()
  }
}

/** Asks each clamd now and then how old its signatures are, for whoever watches the numbers. Nothing depends on it. */
import type { Clock, Log, NetAddress, PluginMetrics } from 'postern/plugin'
import { formatPeerAddress } from '../shared/peer/peer-address.ts'
import type { PeerDoors } from '../shared/peer/peer.ts'
import { signaturesAt, version } from './clamd.ts'

const everyMs = 600_000

export interface SignatureWatchParts {
  readonly servers: readonly NetAddress[]
  readonly doors: PeerDoors
  readonly clock: Clock
  readonly log: Log
  readonly metrics: PluginMetrics
}

export class SignatureWatch {
  readonly #parts: SignatureWatchParts
  #stopped = new AbortController()
  #timer: ReturnType<Clock['after']> | undefined

  constructor(parts: SignatureWatchParts) {
    this.#parts = parts
  }

  /** Returns at once: a server that does not answer must not keep the gateway from starting. */
  start(): void {
    this.#stopped = new AbortController()
    this.#look()
  }

  stop(): void {
    this.#stopped.abort()
    this.#timer?.cancel()
  }

  #look(): void {
    const { servers, clock } = this.#parts
    void Promise.all(servers.map((server) => this.#ask(server)))
    this.#timer = clock.after(everyMs, () => this.#look())
  }

  /** Never rejects: a server that is down is told of by those that need it. */
  async #ask(server: NetAddress): Promise<void> {
    const { doors, log, metrics } = this.#parts
    const name = formatPeerAddress(server)
    try {
      const at = signaturesAt(await version(doors, server, this.#stopped.signal))
      if (at === undefined) return
      const help = 'When the signatures of a server were made'
      metrics.gauge('signatures_timestamp_seconds', help, { server: name }).set(at / 1000)
    } catch (error) {
      log.debug('clamav.version-unknown', { server: name, error: String(error) })
    }
  }
}

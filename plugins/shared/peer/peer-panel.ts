/**
 * Several servers that do the same: the first that answers is good enough. One that failed rests for a while, in which
 * it is asked last, and must answer a short question before it gets a message again; so a dead server costs its
 * patience once, not with every message.
 */
import {
  isPosternError,
  type Clock,
  type Log,
  type NetAddress,
  type PluginMetrics,
} from 'postern/plugin'
import { formatPeerAddress } from './peer-address.ts'

const restMs = 30_000

type Ping = (address: NetAddress, signal: AbortSignal) => Promise<unknown>

export interface PanelParts {
  readonly addresses: readonly NetAddress[]
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<PluginMetrics, 'gauge'>
  /** Rejects with a PosternError where the server is not well. */
  readonly ping: Ping
}

export class PeerPanel {
  readonly #addresses: readonly NetAddress[]
  readonly #clock: Clock
  readonly #log: Log
  readonly #metrics: PanelParts['metrics']
  readonly #ping: Ping
  /** Until when each rests, by the monotonic clock. */
  readonly #restingUntil = new Map<NetAddress, number>()

  constructor({ addresses, clock, log, metrics, ping }: PanelParts) {
    this.#addresses = addresses
    this.#clock = clock
    this.#log = log
    this.#metrics = metrics
    this.#ping = ping
  }

  /**
   * Asks one server after the other until one answers. @throws the last one's error, where none does; ABORTED at once
   */
  async ask<T>(question: (address: NetAddress) => Promise<T>, signal: AbortSignal): Promise<T> {
    let failure: unknown
    for (const address of this.#inOrder()) {
      try {
        if (this.#restingUntil.has(address)) await this.#ping(address, signal)
        const answer = await question(address)
        if (this.#restingUntil.delete(address)) this.#tell('peer.back', address)
        return answer
      } catch (error) {
        if (!isPosternError(error) || error.code === 'ABORTED') throw error
        failure = error
        if (!this.#restingUntil.has(address)) this.#tell('peer.failed', address, error.message)
        this.#restingUntil.set(address, this.#clock.monotonicMs() + restMs)
      }
    }
    throw failure
  }

  /** Asks all of them at once. @returns what each says, for people. @throws the first error */
  async probe(question: (address: NetAddress) => Promise<unknown>): Promise<string> {
    const answers = this.#addresses.map(
      async (address) => `${formatPeerAddress(address)}: ${String(await question(address))}`,
    )
    return (await Promise.all(answers)).join(', ')
  }

  /** Those that rest come last: if nobody else answers, they are worth a try. */
  #inOrder(): readonly NetAddress[] {
    const now = this.#clock.monotonicMs()
    const rests = (address: NetAddress): boolean => (this.#restingUntil.get(address) ?? 0) > now
    return [
      ...this.#addresses.filter((address) => !rests(address)),
      ...this.#addresses.filter(rests),
    ]
  }

  #tell(event: 'peer.failed' | 'peer.back', address: NetAddress, detail?: string): void {
    const server = formatPeerAddress(address)
    // Of an only server its entry tells by what it does not answer.
    if (this.#addresses.length > 1) {
      const help = 'Whether a server that filters does not answer, and others do its work'
      this.#metrics.gauge('server_resting', help, { server }).set(event === 'peer.failed' ? 1 : 0)
    }
    if (event === 'peer.back') this.#log.info(event, { server })
    else this.#log.warn(event, { server, detail: detail ?? '' })
  }
}

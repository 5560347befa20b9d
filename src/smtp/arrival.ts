/** How a client arrives: on a connection of its own, or through somebody who says whose it is. */
import { parseHandOver } from '../formats/hand-over.ts'
import type { Environment } from '../mail/environment.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Endpoint, TlsState } from '../mail/session.ts'
import type { Networks } from '../plugin/networks.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Connection } from '../runtime/net.ts'
import { HandOverReader } from './handed-over.ts'
import { readPreamble, type PreambleParser, type ReadPreamble } from './preamble.ts'
import { parseProxyHeader } from './proxy-protocol.ts'

/** So long the preamble may take. Those who send one send it at once. */
const preambleTimeoutMs = 5_000

export interface Arrival {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly remoteName?: string
  /** TLS that ended before it reached us. */
  readonly tls?: TlsState
  readonly environment?: Environment
  /** What the client has sent already. */
  readonly received?: Buffer
}

export interface ArrivalOptions {
  /** From these addresses every connection begins with a PROXY header. */
  readonly proxyNetworks?: Pick<Networks, 'has'> | undefined
  /** Every connection is `postern smtpd`, which says whose it is. */
  readonly handOver?: boolean | undefined
}

export class Arrivals {
  readonly #options: ArrivalOptions
  readonly #clock: Clock
  readonly #handOver = new HandOverReader()

  constructor(options: ArrivalOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** @throws PosternError PEER_FAILED, TIMEOUT, ABORTED (as a rejection): nobody knows whose connection it is */
  of(connection: Connection): MaybePromise<Arrival> {
    const { proxyNetworks, handOver } = this.#options
    const { remote, local } = connection
    if (handOver === true) return this.#handedOver(connection)
    return proxyNetworks?.has(remote.address) === true
      ? this.#byProxy(connection)
      : { remote, local }
  }

  async #byProxy(connection: Connection): Promise<Arrival> {
    const { value, received } = await this.#read(connection, parseProxyHeader)
    const { remote, local } = connection
    return value === 'own' ? { remote, local, received } : { ...value, received }
  }

  async #handedOver(connection: Connection): Promise<Arrival> {
    const { value, received } = await this.#read(connection, parseHandOver)
    return { ...this.#handOver.read(value), received }
  }

  #read<T>(connection: Connection, parse: PreambleParser<T>): Promise<ReadPreamble<T>> {
    return readPreamble(connection, { parse, timeoutMs: preambleTimeoutMs, clock: this.#clock })
  }
}

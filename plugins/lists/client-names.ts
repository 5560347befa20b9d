/**
 * The name of a client by DNS, for rules that ask for one: only one that leads back to the address counts. What the session
 * has been told (by tcpserver without -p, a proxy, or `dns.client_names: any`) may be what the owner of the address made up.
 * Asked once for each session; where the DNS does not say in time the client has no name.
 */
import {
  addressNames,
  clientNetwork,
  type Clock,
  type Dns,
  type MaybePromise,
  type Session,
} from 'postern/plugin'

/** As long as rules of tcp.smtp wait for a name. */
const longestMs = 5_000

export class ClientNames {
  readonly #doors: { readonly clock: Clock; readonly dns: Dns }
  /** By the client of a session, which stays the same object when it says EHLO anew or logs in. */
  readonly #known = new WeakMap<Session['remote'], MaybePromise<string | undefined>>()

  constructor(doors: { readonly clock: Clock; readonly dns: Dns }) {
    this.#doors = doors
  }

  /** Never rejects. */
  of({ remote }: Session): MaybePromise<string | undefined> {
    if (clientNetwork(remote.address) === undefined) return undefined
    if (this.#known.has(remote)) return this.#known.get(remote)
    const asked = this.#ask(remote.address).then((name) => {
      this.#known.set(remote, name)
      return name
    })
    this.#known.set(remote, asked)
    return asked
  }

  async #ask(address: string): Promise<string | undefined> {
    const { clock, dns } = this.#doors
    const controller = new AbortController()
    const timer = clock.after(longestMs, () => controller.abort())
    try {
      return (await addressNames(dns, address, controller.signal)).confirmed
    } catch {
      // The trace has the question and that it failed; a rule that asks for a name does not apply.
      return undefined
    } finally {
      timer.cancel()
    }
  }
}

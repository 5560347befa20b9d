/** Each session has a connection to the milter of its own, from the first step that the milter is told of to its end. */
import type { NetAddress, Session } from 'postern/plugin'
import { Peer, type PeerDoors } from '../shared/peer/peer.ts'
import { Link } from './link.ts'

export interface MilterAddress {
  readonly address: NetAddress
  readonly connectMs: number
  /** So long it may be silent while it is greeted. */
  readonly patienceMs: number
}

export class Links {
  readonly #milter: MilterAddress
  readonly #doors: PeerDoors
  /** By the id of the session. */
  readonly #links = new Map<string, Link>()

  constructor(milter: MilterAddress, doors: PeerDoors) {
    this.#milter = milter
    this.#doors = doors
  }

  /** One that belongs to no session yet. @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED */
  async open(signal: AbortSignal): Promise<Link> {
    const peer = await Peer.connect(this.#doors, { ...this.#milter, signal })
    try {
      return await Link.over(peer)
    } catch (error) {
      peer.hangUp()
      throw error
    }
  }

  /**
   * Takes a step with the session's link. One that fails is given up; the next step begins a new one and tells it what it missed.
   * @throws PosternError
   */
  async follow<T>(
    { id }: Session,
    { signal, patienceMs }: { readonly signal: AbortSignal; readonly patienceMs: number },
    step: (link: Link) => Promise<T>,
  ): Promise<T> {
    const before = this.#links.get(id)
    if (before?.peer.hasEnded === true) before.peer.hangUp()
    const link = before?.peer.hasEnded === false ? before : await this.open(signal)
    this.#links.set(id, link)
    link.peer.heed(signal, patienceMs)
    try {
      return await step(link)
    } catch (error) {
      if (this.#links.get(id) === link) this.#links.delete(id)
      link.peer.hangUp()
      throw error
    } finally {
      link.peer.heed(undefined)
    }
  }

  end(id: string): void {
    this.#links.get(id)?.quit()
    this.#links.delete(id)
  }

  endAll(): void {
    for (const link of this.#links.values()) link.quit()
    this.#links.clear()
  }
}

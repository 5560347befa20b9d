/**
 * An operator's hands on the queue: chooses messages and changes them, or says what would be changed; pauses
 * deliveries and resumes them. The same with a gateway around it and without.
 */
import type { Entry, Queue, QueueChange, Selector } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Bouncer } from './bounce.ts'
import type { Pauses, PauseScope } from './pauses.ts'
import { isRouteName } from './route-name.ts'
import type { Router } from './transport.ts'

export interface Selection extends Selector {
  /** The key or the host of the route of a recipient that is still open. */
  readonly route?: string
}

export type QueueAction = QueueChange | 'bounce'

export interface Applied {
  /** Messages changed, or that would be. */
  readonly count: number
  /** The first of them. */
  readonly ids: readonly string[]
  /** Ids that were asked for and are not there; absent: none. */
  readonly missing?: readonly string[]
}

export interface QueueDeskOptions {
  readonly queue: Queue
  readonly router: Router
  readonly bouncer: Bouncer
  readonly pauses: Pauses
  readonly clock: Clock
  readonly log: Log
  /** Called after what is paused has changed. */
  readonly paused?: () => void
  /** Called before messages are retried: an operator knows better whether a next hop is up. */
  readonly hurried?: () => void
}

const namedIds = 1_000

export class QueueDesk {
  readonly #options: QueueDeskOptions

  constructor(options: QueueDeskOptions) {
    this.#options = options
  }

  get pauses(): readonly PauseScope[] {
    return this.#options.pauses.scopes
  }

  /** @throws PosternError what the queue throws; then some of it may be done */
  async apply(
    action: QueueAction,
    selection: Selection,
    { dryRun = false }: { readonly dryRun?: boolean } = {},
  ): Promise<Applied> {
    const { ids, missing } = await this.#chosen(action, selection)
    const count = dryRun ? ids.length : await this.#change(ids, action)
    if (!dryRun) this.#options.log.info('queue.changed', { action, count })
    return { count, ids: ids.slice(0, namedIds), ...(missing.length === 0 ? {} : { missing }) }
  }

  /** @throws PosternError DISK_FULL, DISK_FAILED */
  async pause(scope: PauseScope): Promise<void> {
    const { pauses, paused, log } = this.#options
    await pauses.add(scope)
    log.info('delivery.paused', { ...scope })
    paused?.()
  }

  /** What waited is due at once. @returns whether it was paused. @throws PosternError DISK_FULL, DISK_FAILED */
  async resume(scope: PauseScope): Promise<boolean> {
    const { pauses, paused, log } = this.#options
    if (!(await pauses.remove(scope))) return false
    log.info('delivery.resumed', { ...scope })
    paused?.()
    if (scope.what !== 'all') await this.apply('retry', selectionOf(scope))
    return true
  }

  async #chosen(
    action: QueueAction,
    { route, ...selector }: Selection,
  ): Promise<{ readonly ids: readonly string[]; readonly missing: readonly string[] }> {
    const ids: string[] = []
    const missing = new Set(selector.ids)
    for await (const entry of this.#options.queue.entries(selector)) {
      if ('damaged' in entry) continue
      missing.delete(entry.id)
      if (!isChanged(entry, action)) continue
      if (route === undefined || (await this.#goesBy(entry, route))) ids.push(entry.id)
    }
    return { ids, missing: [...missing] }
  }

  async #goesBy({ envelope, recipients }: Entry, name: string): Promise<boolean> {
    for (const [index, recipient] of envelope.recipients.entries()) {
      const { state } = recipients[index] ?? { state: 'delivered' }
      if (state !== 'pending' && state !== 'deferred') continue
      if (isRouteName(await this.#options.router.route(recipient, envelope), name)) return true
    }
    return false
  }

  async #change(ids: readonly string[], action: QueueAction): Promise<number> {
    if (action === 'retry') this.#options.hurried?.()
    if (action !== 'bounce') return this.#options.queue.change({ ids }, action)
    let count = 0
    for (const id of ids) if (await this.#bounce(id)) count += 1
    return count
  }

  /** To the sender, whoever that is: an operator has looked at it. @returns false for what is gone or under way */
  async #bounce(id: string): Promise<boolean> {
    const { queue, bouncer, clock } = this.#options
    const claim = await queue.claim(id, 'held')
    if (claim === undefined) return false
    const now = clock.now()
    const reports = claim.recipients.map((recipient) => ({ recipient, result: returned, at: now }))
    try {
      await bouncer.tell(claim.entry, reports, 'released')
    } catch (error) {
      await queue.release(claim, claim.entry.dueAt, 'volatile')
      throw error
    }
    const results = reports.map(({ result }) => result)
    await queue.settle(claim, results, now)
    return true
  }
}

/** The queued messages that a pause concerns. */
export function selectionOf(scope: PauseScope): Selection {
  switch (scope.what) {
    case 'all':
      return {}
    case 'from':
      return { reversePath: scope.name }
    case 'to':
      return { recipient: scope.name }
    case 'domain':
      return { domain: scope.name }
    case 'route':
      return { route: scope.name }
  }
}

const returned = {
  outcome: 'failed',
  status: '5.3.0',
  text: 'The postmaster returned this message to its sender',
} as const

/** What an action leaves as it is, it is not applied to. */
function isChanged({ held }: Entry, action: QueueAction): boolean {
  return action === 'bounce' || action === 'remove' || held === (action === 'release')
}

/**
 * What one worker does for all of them: alerts, reports of TLS and the daily letter of held bounces; one voice is enough.
 * It begins with the start in the first worker, and later in whoever leads when that one has been given up: what was told
 * already they know from the store.
 */
import type { AlertWatch } from '../alerts/watch.ts'
import type { ControlHandler } from '../control/control.ts'
import { HeldDigest } from '../delivery/held-digest.ts'
import { TlsReporter } from '../delivery/tls-rpt/reporter.ts'
import { alertsHandler, openAlerts, type AlertParts } from './open-alerts.ts'
import { bounceSettings } from './open-bouncer.ts'
import type { CourierParts } from './open-courier.ts'
import type { OtherWorkers } from './other-workers.ts'
import type { FrontDoor } from './signed-post.ts'

export interface DutyParts extends CourierParts, Omit<AlertParts, 'queue'> {
  /** Where letters are posted. */
  readonly outbox: FrontDoor
  readonly others: OtherWorkers
}

interface Duty {
  start(): void
  stop(): Promise<void>
}

export class Duties {
  readonly #parts: DutyParts
  #alerts: AlertWatch | undefined
  #begun: readonly Duty[] = []

  constructor(parts: DutyParts) {
    this.#parts = parts
  }

  /** Whether they are ours. */
  get areOurs(): boolean {
    return this.#begun.length > 0
  }

  /** They are ours from here on. */
  begin(): void {
    if (this.areOurs) return
    this.#alerts = openAlerts({ ...this.#parts, queue: this.#parts.outbox })
    this.#begun = [openDigest(this.#parts), openReporter(this.#parts), this.#alerts]
    for (const duty of this.#begun) duty.start()
  }

  async stop(): Promise<void> {
    for (const duty of this.#begun) await duty.stop()
  }

  /** What `postern alerts` asks all workers for; who does not lead has nothing to say. */
  readonly alertsVerb: ControlHandler = async (of) =>
    this.#alerts === undefined ? null : alertsHandler(this.#alerts)(of)
}

function openDigest({ queue, doors, current, outbox, others }: DutyParts): HeldDigest {
  const { clock, log, store } = doors
  return new HeldDigest({
    queue: { begin: () => outbox.begin(), entries: (selector) => queue.entries(selector) },
    clock,
    log,
    memory: store.table('bounce-digest', { maxEntries: 10 }),
    settings: () => bounceSettings(current()),
    others: () => others.heldBounces(),
  })
}

function openReporter({ doors, current, outbox }: DutyParts): TlsReporter {
  const { store, dns, clock, random, log } = doors
  return new TlsReporter({
    queue: outbox,
    store,
    dns,
    clock,
    random,
    log,
    submitter() {
      const configuration = current()
      if (!configuration.delivery.tls.reports) return undefined
      const { hostname, doubleBounceTo } = bounceSettings(configuration)
      return doubleBounceTo === undefined ? undefined : { hostname, contact: doubleBounceTo }
    },
  })
}

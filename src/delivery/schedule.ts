/**
 * When a deferred recipient is tried again, as qmail-send does it: the square root of the age grows
 * by a fixed step with each try, so the gaps grow with the age of the message. Pure; whole seconds.
 */
import type { Instant } from '../mail/instant.ts'

/** Local deliveries are cheap and tried often; remote ones less often. */
export type Channel = 'local' | 'remote'

/** What is added to the square root of the age, per channel (qmail-send's `chanskip`). */
const steps: { readonly [C in Channel]: number } = { local: 10, remote: 20 }

export interface Pass {
  /** When the message was promised. */
  readonly receivedAt: Instant
  /** When this pass over its recipients began. */
  readonly now: Instant
}

/** When a recipient deferred in this pass is tried again. Remote 0, 400, 1600, 3600 …; local 0, 100, 400, 900 … seconds. */
export function nextTry({ receivedAt, now, channel }: Pass & { channel: Channel }): Instant {
  const root = Math.floor(Math.sqrt(ageSeconds({ receivedAt, now }))) + steps[channel]
  return Math.min(receivedAt, now) + root * root * 1000
}

/** Whether what is deferred in this pass has failed: the message is older than it may become. Strict, as in qmail. */
export function isLastPass({
  receivedAt,
  now,
  lifetimeMs,
}: Pass & { lifetimeMs: number }): boolean {
  return ageSeconds({ receivedAt, now }) > Math.floor(lifetimeMs / 1000)
}

/** A clock that was set back makes no message younger than new, and none wait for the time at which it came. */
function ageSeconds({ receivedAt, now }: Pass): number {
  return Math.max(0, Math.floor((now - receivedAt) / 1000))
}

/**
 * Plugins in the courier: they may say where a recipient goes, and carry it there themselves. The entry's deadline
 * holds here too: whoever is late has a fault, and a fault of the courier defers.
 */
import type { Router, Transport } from '../delivery/transport.ts'
import type { Entry } from '../filter/entry.ts'
import { errorDetail } from '../filter/fault.ts'
import type { Generation } from '../filter/generation.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { PluginRoute, Route } from '../mail/route.ts'
import type { Clock } from '../runtime/clock.ts'
import { resultsProblem, routeProblem } from './plugin-answers.ts'

export interface PluginDeliveryParts {
  /** The generation in force. */
  readonly generation: () => Pick<Generation, 'entries'>
  readonly clock: Clock
}

/** Asks the enforced entries in their order, then `next`. One that throws, is late or answers no route leaves none: the courier defers. */
export function routerWithPlugins(
  { generation, clock }: PluginDeliveryParts,
  next: Router,
): Router {
  return {
    async route(recipient, envelope) {
      for (const entry of generation().entries) {
        if (entry.shadow || entry.instance.route === undefined) continue
        const route = await routeBy(entry, { recipient, envelope, clock })
        if (route !== undefined) return route
      }
      return next.route(recipient, envelope)
    },
  }
}

/** @throws Error that names the entry, where it throws or answers what is no route; PosternError TIMEOUT */
async function routeBy(
  entry: Entry,
  { recipient, envelope, clock }: { recipient: Recipient; envelope: Envelope; clock: Clock },
): Promise<Route | undefined> {
  let route: Route | undefined
  try {
    route = await inTime(entry, clock, entry.instance.route?.(recipient, envelope))
  } catch (error) {
    if (isPosternError(error, 'TIMEOUT')) throw error
    throw new Error(`${entry.name}: ${errorDetail(error)}`, { cause: error })
  }
  const problem = route === undefined ? undefined : routeProblem(route)
  if (problem !== undefined) throw new Error(`${entry.name}: ${problem}`)
  return route
}

/** Hands the message to the entry that its route names; one that is gone, does not deliver or is late defers. */
export function pluginTransport({
  generation,
  clock,
}: PluginDeliveryParts): Transport<PluginRoute> {
  return {
    async deliver({ message, envelope, recipients, route }, signal) {
      const entry = generation().entries.find(({ name, shadow }) => name === route.entry && !shadow)
      if (entry?.instance.deliver === undefined) {
        const text = `The entry ${route.entry} that carries this mail is not in the chain`
        const missing: DeliveryResult = { outcome: 'deferred', status: '4.3.5', text }
        return recipients.map(() => missing)
      }
      const calledOff = new AbortController()
      const callOff = (): void => calledOff.abort()
      signal.addEventListener('abort', callOff, { once: true })
      if (signal.aborted) callOff()
      try {
        const delivery = { message, envelope, recipients, route }
        const results = await inTime(
          entry,
          clock,
          entry.instance.deliver(delivery, calledOff.signal),
        )
        const problem = resultsProblem(results, recipients.length)
        if (problem !== undefined) throw new Error(`${entry.name}: ${problem}`)
        return results
      } finally {
        // Late or not, nobody waits for it any more.
        callOff()
        signal.removeEventListener('abort', callOff)
      }
    },
  }
}

/** @throws PosternError TIMEOUT at the entry's deadline */
function inTime<T>(
  { name, timeoutMs }: Pick<Entry, 'name' | 'timeoutMs'>,
  clock: Clock,
  work: MaybePromise<T>,
): MaybePromise<T> {
  if (!(work instanceof Promise)) return work
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const late = (): void =>
    reject(new PosternError('TIMEOUT', `${name} did not answer in ${timeoutMs} ms`))
  const timer = clock.after(timeoutMs, late)
  work.then(resolve, reject).finally(() => timer.cancel())
  return promise
}

/**
 * One pass over the open recipients of a message: each gets its route, those of one route go together, and
 * each gets a result. Nothing is recorded here. A transport or router that throws has a bug: its recipients
 * are deferred. In the last pass of a message's life what is deferred fails.
 */
import { formatMailbox } from '../mail/address.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import type { Route } from '../mail/route.ts'
import type { Claim } from '../queue/queue.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Attempt, AttemptObserver } from './attempt.ts'
import { isLastPass, nextTry, type Channel } from './schedule.ts'
import type { Slots } from './slots.ts'
import type { Router, Transport } from './transport.ts'

/** A route that a transport carries. */
type CarriedRoute = Exclude<Route, { readonly transport: 'fail' }>

/** A transport, and the schedule and the limit its deliveries go by. */
export interface Carrier<R extends Route = Route> {
  readonly channel: Channel
  readonly transport: Transport<R>
}

/** What carries each kind of route. */
export type Carriers = {
  readonly [K in CarriedRoute['transport']]: Carrier<Extract<Route, { readonly transport: K }>>
}

export interface PassOptions {
  readonly router: Router
  readonly carriers: Carriers
  readonly slots: { readonly [C in Channel]: Slots }
  readonly lifetimeMs: () => number
  readonly clock: Clock
  readonly log: Log
  readonly observer?: AttemptObserver
}

/** What became of one recipient in this pass; undefined where the courier was stopped before its turn. */
export type PassResult = Attempt | undefined

/** A transport that was called off has so long to say what it did. */
const graceMs = 1_000

const tooLong = "I'm not going to try again; this message has been in the queue too long."

interface Pass extends PassOptions {
  readonly claim: Claim
  readonly signal: AbortSignal
  readonly startedAt: Instant
}

/** @returns one for each of the claim's recipients */
export async function runPass(
  claim: Claim,
  options: PassOptions,
  signal: AbortSignal,
): Promise<readonly PassResult[]> {
  const pass: Pass = { ...options, claim, signal, startedAt: options.clock.now() }
  const groups = new Map<string, { route: Route | undefined; at: number[] }>()
  for (const [at, recipient] of claim.recipients.entries()) {
    const route = await routeOf(recipient, pass)
    const group = groups.get(route?.key ?? '')
    if (group === undefined) groups.set(route?.key ?? '', { route, at: [at] })
    else group.at.push(at)
  }
  const results: PassResult[] = claim.recipients.map(() => undefined)
  const work = [...groups.values()].map(async ({ route, at }) => {
    const recipients = at.flatMap((index) => claim.recipients[index] ?? [])
    const attempts = await deliver(route, recipients, pass)
    at.forEach((index, i) => (results[index] = attempts[i]))
  })
  await Promise.all(work)
  return results
}

async function routeOf(recipient: Recipient, pass: Pass): Promise<Route | undefined> {
  const { router, claim, log } = pass
  try {
    return await router.route(recipient, claim.entry.envelope)
  } catch (error) {
    log.error('delivery.no_route', { queueId: claim.entry.id, error: String(error) })
    return undefined
  }
}

/** Everything of one route. @returns nothing where the courier was stopped before their turn */
async function deliver(
  route: Route | undefined,
  recipients: readonly Recipient[],
  pass: Pass,
): Promise<readonly Attempt[]> {
  const to = { route, recipients, startedAt: pass.clock.now(), startedMs: pass.clock.monotonicMs() }
  if (route === undefined)
    return conclude(same(recipients, bug), { ...to, channel: 'remote' }, pass)
  if (route.transport === 'fail') {
    const { status, text } = route
    const failed = same(recipients, { outcome: 'failed', status, text })
    return conclude(failed, { ...to, channel: 'remote' }, pass)
  }
  const { channel, transport }: Carrier = pass.carriers[route.transport]
  const slots = pass.slots[channel]
  if (!(await slots.take())) return []
  try {
    const begun = { startedAt: pass.clock.now(), startedMs: pass.clock.monotonicMs() }
    const results = await carry(transport, { route, recipients }, pass)
    return conclude(results, { ...to, ...begun, channel }, pass)
  } finally {
    slots.give()
  }
}

async function carry(
  transport: Transport,
  { route, recipients }: { readonly route: Route; readonly recipients: readonly Recipient[] },
  { claim, signal, clock, log }: Pass,
): Promise<readonly DeliveryResult[]> {
  const { id: queueId, message, envelope } = claim.entry
  try {
    const delivery = { queueId, message, envelope, recipients, route }
    const results = await patiently(transport.deliver(delivery, signal), signal, clock)
    if (results === undefined) return same(recipients, calledOff)
    if (results.length === recipients.length) return results
    throw new Error(`${results.length} results for ${recipients.length} recipients`)
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    log.error('delivery.bug', { queueId, route: route.key, error: what })
    return same(recipients, bug)
  }
}

const bug: DeliveryResult = {
  outcome: 'deferred',
  status: '4.3.0',
  text: 'Something went wrong in this gateway; it is logged',
}

const calledOff: DeliveryResult = {
  outcome: 'deferred',
  status: '4.3.2',
  text: 'The delivery was called off; whether it succeeded is not known',
}

function same(recipients: readonly Recipient[], result: DeliveryResult): readonly DeliveryResult[] {
  return recipients.map(() => result)
}

/** The work, or undefined where it was called off and did not end within the grace. */
function patiently<T>(work: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
  let timer: Timer | undefined
  const abort = (): void => void (timer = clock.after(graceMs, () => resolve(undefined)))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  const over = (): void => {
    signal.removeEventListener('abort', abort)
    timer?.cancel()
  }
  work.finally(over).then(resolve, reject)
  return promise
}

interface Tried {
  readonly route: Route | undefined
  readonly recipients: readonly Recipient[]
  readonly channel: Channel
  readonly startedAt: Instant
  readonly startedMs: number
}

/** What the results mean for the message, told to log and observer. */
function conclude(
  results: readonly DeliveryResult[],
  { route, recipients, channel, startedAt, startedMs }: Tried,
  pass: Pass,
): readonly Attempt[] {
  const { claim, clock, log, observer } = pass
  const durationMs = clock.monotonicMs() - startedMs
  return recipients.map((recipient, i) => {
    const attempt: Attempt = {
      queueId: claim.entry.id,
      recipient,
      startedAt,
      durationMs,
      ...(route === undefined ? {} : { routeKey: route.key }),
      ...settled(results[i] ?? bug, channel, pass),
    }
    logAttempt(attempt, log)
    observer?.attempted(attempt)
    return attempt
  })
}

/** What was called off is tried again at once and never fails for its age: it was not given its chance. */
function settled(
  result: DeliveryResult,
  channel: Channel,
  { claim, clock, signal, lifetimeMs, startedAt: now }: Pass,
): Pick<Attempt, 'result' | 'retryAt'> {
  if (result.outcome !== 'deferred') return { result }
  if (signal.aborted) return { result, retryAt: clock.now() }
  const { receivedAt } = claim.entry
  if (isLastPass({ receivedAt, now, lifetimeMs: lifetimeMs() })) {
    const text = `${result.text}\n${tooLong}`
    return { result: { ...result, outcome: 'failed', status: '5.4.7', text } }
  }
  return { result, retryAt: nextTry({ receivedAt, now, channel }) }
}

function logAttempt(attempt: Attempt, log: Log): void {
  const { queueId, recipient, routeKey, result, durationMs, retryAt } = attempt
  const { outcome, status, text, remote } = result
  const fields = {
    queueId,
    recipient: formatMailbox(recipient.mailbox),
    route: routeKey,
    status,
    text,
    remote,
    durationMs: Math.round(durationMs),
    retryAt,
  }
  switch (outcome) {
    case 'delivered':
      return log.info('delivery.delivered', fields)
    case 'deferred':
      return log.info('delivery.deferred', fields)
    case 'failed':
      return log.warn('delivery.failed', fields)
  }
}

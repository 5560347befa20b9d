/**
 * One pass over the open recipients of a message: each gets its route, those of one route go together, and
 * each gets a result. Nothing is recorded here. A transport or router that throws has a bug: its recipients
 * are deferred. What a result means for the message: tries.ts.
 */
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Recipient } from '../mail/envelope.ts'
import { errorStack } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import { nextTurn } from '../mail/next-turn.ts'
import type { Route } from '../mail/route.ts'
import type { Claim } from '../queue/queue.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { HopLimits } from '../runtime/hop-turns.ts'
import type { Attempt } from './attempt.ts'
import type { CallOff } from './call-off.ts'
import type { Channel } from './schedule.ts'
import { FewAtATime } from './few-at-a-time.ts'
import type { HopHealth } from './hop-health.ts'
import type { Pauses } from './pauses.ts'
import type { Delivery, Router, Transport } from './transport.ts'
import {
  bug,
  conclude,
  recipientsAtOnce,
  started,
  type TriesOptions,
  type Underway,
} from './tries.ts'

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

/** For one next hop, whoever sends to it. */
export interface DestinationLimits {
  /** Deliveries at a time; `half` of the slots that there are. */
  readonly concurrency: number | 'half'
  /** Between the starts of two deliveries; 0: no limit. */
  readonly intervalMs: number
  /** What all processes that deliver keep to together, where somebody has said so. */
  readonly shared?: HopLimits | undefined
}

export interface PassOptions extends TriesOptions {
  readonly router: Router
  readonly carriers: Carriers
  readonly hops: HopHealth
  readonly pauses?: Pick<Pauses, 'covers' | 'all'>
  /** How much of the channel's slots one destination may have. */
  readonly destination: (route: Route) => DestinationLimits
}

/** A recipient whose turn did not come: it is no try, and never fails for its age. */
export interface NotTried {
  readonly notTried: string
  /** When to look again. */
  readonly until: Instant
}

/** What became of one recipient in this pass. */
export type PassResult = Attempt | NotTried

export function isTried(result: PassResult): result is Attempt {
  return !('notTried' in result)
}

/** What is paused is looked at again now and then; a resume does not wait for that. */
const pausedMs = 3_600_000
/** The most that a message costs in memory while it waits: larger ones lie in a file. */
const waitingBytes = 262_144
/** A transport that was called off has so long to say what it did. */
const graceMs = 1_000

interface Pass extends PassOptions, Underway {
  readonly few: FewAtATime
}

/** @returns one for each of the claim's recipients */
export async function runPass(
  claim: Claim,
  options: PassOptions,
  callOff: CallOff,
): Promise<readonly PassResult[]> {
  const startedAt = options.clock.now()
  const pass: Pass = { ...options, claim, callOff, startedAt, few: new FewAtATime(options.clock) }
  const groups = new Map<string, { route: Route | undefined; at: number[] }>()
  const paused = pausedIn(pass)
  const results: PassResult[] = claim.recipients.map(() => paused)
  for (const [at, recipient] of claim.recipients.entries()) {
    if ((at + 1) % recipientsAtOnce === 0) await nextTurn()
    const route = await routeOf(recipient, pass)
    if (isPaused(recipient, route, pass)) continue
    const group = groups.get(route?.key ?? '')
    if (group === undefined) groups.set(route?.key ?? '', { route, at: [at] })
    else group.at.push(at)
  }
  let turn: Promise<void> | undefined
  const work = [...groups.values()].map(async ({ route, at }, begun) => {
    if (begun > 0 && begun % recipientsAtOnce === 0) turn = turn?.then(nextTurn) ?? nextTurn()
    if (turn !== undefined) await turn
    const recipients = at.flatMap((index) => claim.recipients[index] ?? [])
    const attempts = await deliver(route, recipients, pass)
    at.forEach((index, i) => (results[index] = attempts[i] ?? paused))
  })
  await Promise.all(work)
  return results
}

function isPaused({ mailbox }: Recipient, route: Route | undefined, pass: Pass): boolean {
  const { reversePath } = pass.claim.entry.envelope
  return pass.pauses?.covers({ recipient: mailbox, reversePath, route }) === true
}

/** Where all is paused nothing is looked at again before a resume: then it is due as it was. */
function pausedIn({ pauses, clock, claim }: Pass): NotTried {
  const until = pauses?.all === true ? claim.entry.dueAt : clock.now() + pausedMs
  return { notTried: 'Delivery is paused', until }
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

/** Everything of one route. */
async function deliver(
  route: Route | undefined,
  recipients: readonly Recipient[],
  pass: Pass,
): Promise<readonly PassResult[]> {
  const to = { route, recipients, startedAt: pass.clock.now(), startedMs: pass.clock.monotonicMs() }
  if (route === undefined)
    return conclude(same(recipients, bug), { ...to, channel: 'remote' }, pass)
  if (route.transport === 'fail') {
    const { status, text } = route
    const failed = same(recipients, { outcome: 'failed', status, text })
    return conclude(failed, { ...to, channel: 'remote' }, pass)
  }
  const { channel, transport }: Carrier = pass.carriers[route.transport]
  const down = pass.hops.verdict(route.key)
  if (down !== undefined) return conclude(same(recipients, down), { ...to, channel }, pass)
  const { id, sizeBytes, tries, dueAt } = pass.claim.entry
  await pass.few.enter()
  const turn = await pass.lanes[channel].take({
    key: route.key,
    id,
    urgency: tries === 0 ? 'first' : 'retry',
    sizeBytes: Math.min(sizeBytes, waitingBytes),
    ...pass.destination(route),
  })
  pass.few.leave()
  if (turn === 'closed')
    return recipients.map(() => ({ notTried: 'We were stopped', until: dueAt }))
  if (turn !== 'taken') return recipients.map(() => ({ notTried: 'Many are before it', ...turn }))
  let isHeld = true
  const give = (answers?: boolean): void => {
    if (isHeld) pass.lanes[channel].give(route.key, answers)
    isHeld = false
  }
  const yields = (): void => give()
  try {
    // It may have been long before its turn came.
    const going = recipients.filter((recipient) => !isPaused(recipient, route, pass))
    if (going.length === 0) return recipients.map(() => pausedIn(pass))
    const begun = {
      recipients: going,
      startedAt: pass.clock.now(),
      startedMs: pass.clock.monotonicMs(),
      numbers: started({ route, recipients: going, channel }, pass),
    }
    const results = await carryUnlessDown(transport, { route, recipients: going, yields }, pass)
    give(results.some(isAnswer))
    const attempts = await conclude(results, { ...to, ...begun, channel }, pass)
    const tried = new Map(attempts.map((attempt) => [attempt.recipient, attempt]))
    return recipients.map((recipient) => tried.get(recipient) ?? pausedIn(pass))
  } finally {
    give()
  }
}

/** RFC 3463 §3.5: 4.4.x is trouble on the way to a hop, or none that anybody knows. */
function isAnswer({ outcome, status }: DeliveryResult): boolean {
  return outcome !== 'deferred' || !status.startsWith('4.4.')
}

type Work = Pick<Delivery, 'route' | 'recipients' | 'yields'>

/** While it waited for its turn, others may have found nobody there. */
async function carryUnlessDown(
  transport: Transport,
  work: Work,
  pass: Pass,
): Promise<readonly DeliveryResult[]> {
  const { hops, clock, callOff } = pass
  const { key } = work.route
  const down = hops.verdict(key)
  if (down !== undefined) return same(work.recipients, down)
  hops.begin(key)
  const begunMs = clock.monotonicMs()
  const results = await carry(transport, work, pass)
  if (!callOff.isCalled) hops.learn(key, results, begunMs)
  return results
}

async function carry(
  transport: Transport,
  work: Work,
  { claim, callOff, clock, log }: Pass,
): Promise<readonly DeliveryResult[]> {
  const { route, recipients } = work
  const { id: queueId, message, envelope } = claim.entry
  try {
    const delivery = { queueId, message, envelope, ...work }
    const results = await patiently(transport.deliver(delivery, callOff.signal), callOff, clock)
    if (results === undefined) return same(recipients, calledOff)
    if (results.length === recipients.length) return results
    throw new Error(`${results.length} results for ${recipients.length} recipients`)
  } catch (error) {
    const what = errorStack(error)
    log.error('delivery.bug', { queueId, route: route.key, error: what })
    return same(recipients, bug)
  }
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
function patiently<T>(work: Promise<T>, callOff: CallOff, clock: Clock): Promise<T | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
  let timer: Timer | undefined
  const calledOff = (): void => void (timer = clock.after(graceMs, () => resolve(undefined)))
  const over = (): void => {
    callOff.leave(calledOff)
    timer?.cancel()
  }
  callOff.listen(calledOff)
  work.then(
    (value) => {
      over()
      resolve(value)
    },
    (error: unknown) => {
      over()
      reject(error)
    },
  )
  return promise
}

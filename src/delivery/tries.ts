/**
 * What the tries of a pass mean for their recipients: delivered, failed, or deferred until when; in the last pass of a
 * message's life what is deferred fails. The log is told of every try as it begins and as it ends, an observer as it ends.
 */
import { formatMailbox } from '../mail/address.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import { nextTurn } from '../mail/next-turn.ts'
import type { Route } from '../mail/route.ts'
import type { Claim } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Attempt, AttemptObserver } from './attempt.ts'
import type { CallOff } from './call-off.ts'
import type { Lanes } from './lanes.ts'
import { isLastPass, nextTry, type Channel } from './schedule.ts'

const tooLong = "I'm not going to try again; this message has been in the queue too long."

/** A message may have a hundred thousand: after so many of them others have their turn. */
export const recipientsAtOnce = 500

/** A recipient without a result: a transport or router has a bug, and nobody loses mail by that. */
export const bug: DeliveryResult = {
  outcome: 'deferred',
  status: '4.3.0',
  text: 'Something went wrong in this gateway; it is logged',
}

export interface TriesOptions {
  readonly lanes: { readonly [C in Channel]: Lanes }
  readonly lifetimeMs: () => number
  /** Numbers deliveries from 1, one for each recipient and try. */
  readonly nextDelivery: () => number
  readonly clock: Clock
  readonly log: Log
  readonly observer?: AttemptObserver
}

/** The pass that the tries are of. */
export interface Underway extends TriesOptions {
  readonly claim: Claim
  readonly callOff: CallOff
  readonly startedAt: Instant
}

/** Recipients of one route, and the try that they had. */
interface Tried {
  readonly route: Route | undefined
  readonly recipients: readonly Recipient[]
  readonly channel: Channel
  readonly startedAt: Instant
  readonly startedMs: number
  /** The numbers of the deliveries; absent where nothing was tried because the answer was known. */
  readonly numbers?: readonly number[]
}

/** Each recipient's delivery begins. @returns their numbers */
export function started(
  { route, recipients, channel }: Pick<Tried, 'route' | 'recipients' | 'channel'>,
  { claim, lanes, log, nextDelivery }: Underway,
): readonly number[] {
  return recipients.map(({ mailbox }) => {
    const delivery = nextDelivery()
    log.debug('delivery.started', {
      queueId: claim.entry.id,
      delivery,
      recipient: formatMailbox(mailbox),
      channel,
      limit: lanes[channel].limit,
      route: route?.key,
    })
    return delivery
  })
}

/** What the results mean for the message, told to log and observer. @param results one for each recipient */
export async function conclude(
  results: readonly DeliveryResult[],
  tried: Tried,
  pass: Underway,
): Promise<readonly Attempt[]> {
  const { route, recipients, channel, startedAt, startedMs } = tried
  const { claim, clock, log, observer } = pass
  const numbers = tried.numbers ?? started(tried, pass)
  const durationMs = clock.monotonicMs() - startedMs
  const attempts: Attempt[] = []
  for (const [i, recipient] of recipients.entries()) {
    if ((i + 1) % recipientsAtOnce === 0) await nextTurn()
    const attempt: Attempt = {
      queueId: claim.entry.id,
      recipient,
      startedAt,
      durationMs,
      ...(route === undefined ? {} : { routeKey: route.key, transport: route.transport }),
      ...settled(results[i] ?? bug, channel, pass),
    }
    logAttempt(attempt, { delivery: numbers[i], channel }, log)
    observer?.attempted(attempt, claim.entry)
    attempts.push(attempt)
  }
  return attempts
}

/** What was called off is tried again at once and never fails for its age: it was not given its chance. */
function settled(
  result: DeliveryResult,
  channel: Channel,
  { claim, clock, callOff, lifetimeMs, startedAt: now }: Underway,
): Pick<Attempt, 'result' | 'retryAt'> {
  if (result.outcome !== 'deferred') return { result }
  if (callOff.isCalled) return { result, retryAt: clock.now() }
  const { receivedAt } = claim.entry
  if (isLastPass({ receivedAt, now, lifetimeMs: lifetimeMs() })) {
    const text = `${result.text}\n${tooLong}`
    return { result: { ...result, outcome: 'failed', status: '5.4.7', text } }
  }
  return { result, retryAt: nextTry({ receivedAt, now, channel }) }
}

function logAttempt(
  attempt: Attempt,
  numbered: { readonly delivery: number | undefined; readonly channel: Channel },
  log: Log,
): void {
  const { queueId, recipient, routeKey, result, durationMs, retryAt } = attempt
  const { status, text, remote } = result
  const fields = {
    queueId,
    ...numbered,
    recipient: formatMailbox(recipient.mailbox),
    route: routeKey,
    status,
    text,
    remote,
    durationMs: Math.round(durationMs),
    retryAt,
  }
  switch (result.outcome) {
    case 'delivered':
      return log.info('delivery.delivered', { ...fields, note: result.note })
    case 'deferred':
      return log.info('delivery.deferred', fields)
    case 'failed':
      return log.warn('delivery.failed', fields)
  }
}

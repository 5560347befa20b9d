/** A courier with nothing real around it: the queue, the clock and what carries the mail are a test's own. */
import type { Attempt } from '../delivery/attempt.ts'
import { createBouncer, type Bouncer } from '../delivery/bounce.ts'
import { Courier, type CourierLimits, type CourierOptions } from '../delivery/courier.ts'
import type { Pauses } from '../delivery/pauses.ts'
import type { Delivery, Router } from '../delivery/transport.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { Route } from '../mail/route.ts'
import type { Queue } from '../queue/queue.ts'
import { fakeClock, type FakeClock } from './fake-clock.ts'
import { memoryQueue, type MemoryQueue } from './memory-queue.ts'
import { recordingLog } from './recording-log.ts'
import { seededRandom } from './seeded-random.ts'

/** What a transport does with one delivery. */
export type Carrying = (
  delivery: Delivery,
  signal: AbortSignal,
) => readonly DeliveryResult[] | Promise<readonly DeliveryResult[]>

export interface CourierScene {
  /** By default everybody is delivered to. */
  readonly carry?: Carrying
  readonly router?: Router
  readonly limits?: Partial<CourierLimits>
  readonly pauses?: Pick<Pauses, 'covers' | 'all'>
  readonly destination?: CourierOptions['destination']
  readonly observed?: (attempt: Attempt) => void
  /** Stands between courier and queue, for instance to break it. */
  readonly through?: (queue: Queue) => Queue
}

export interface CourierStage {
  readonly courier: Courier
  readonly bouncer: Bouncer
  readonly router: Router
  readonly queue: MemoryQueue
  readonly clock: FakeClock
  readonly log: ReturnType<typeof recordingLog>
  readonly attempts: readonly Attempt[]
  /** Queues a message from ann@here.test; `bob@local.test` goes into a Maildir, all else by SMTP. */
  readonly post: (to: readonly string[], envelope?: Partial<Envelope>) => Promise<string>
  /** Lets everything happen that needs no time. */
  readonly settle: () => Promise<void>
  /** Moves on to the next moment at which something is due. */
  readonly sleep: () => Promise<void>
}

export const deliveredResult: DeliveryResult = { outcome: 'delivered', status: '2.0.0', text: 'ok' }
export const deferredResult: DeliveryResult = {
  outcome: 'deferred',
  status: '4.2.0',
  text: 'not now',
}
export const noAnswerResult: DeliveryResult = {
  outcome: 'deferred',
  status: '4.4.1',
  text: 'nobody there',
}
export const failedResult: DeliveryResult = { outcome: 'failed', status: '5.1.1', text: 'nobody' }

/** Gives every recipient the same result. */
export function everybody(result: DeliveryResult): Carrying {
  return ({ recipients }) => recipients.map(() => result)
}

export function courierStage(scene: CourierScene = {}): CourierStage {
  const { carry = everybody(deliveredResult), router = byDomain, limits, through, observed } = scene
  const { pauses, destination } = scene
  const clock = fakeClock()
  const log = recordingLog()
  const queue = memoryQueue(clock)
  const attempts: Attempt[] = []
  const transport = {
    deliver: async (delivery: Delivery, signal: AbortSignal) => carry(delivery, signal),
  }
  const bouncer = createBouncer({
    queue,
    clock,
    log,
    random: seededRandom(1),
    settings: () => ({
      hostname: 'here.test',
      from: { localPart: 'MAILER-DAEMON', domain: 'here.test' },
      doubleBounceTo: { localPart: 'postmaster', domain: 'local.test' },
      maxBytes: 100_000,
      holds: () => false,
    }),
  })
  const options: CourierOptions = {
    queue: through?.(queue) ?? queue,
    router,
    bouncer,
    carriers: {
      maildir: { channel: 'local', transport },
      local: { channel: 'local', transport },
      smtp: { channel: 'remote', transport },
      lmtp: { channel: 'local', transport },
      qmtp: { channel: 'remote', transport },
      alias: { channel: 'local', transport },
      plugin: { channel: 'remote', transport },
    },
    limits: () => ({
      local: 10,
      remote: 20,
      messages: 100,
      lifetimeMs: 604_800_000,
      delayNoticeMs: 14_400_000,
      ...limits,
    }),
    clock,
    log,
    ...(pauses === undefined ? {} : { pauses }),
    ...(destination === undefined ? {} : { destination }),
    observer: {
      attempted(attempt) {
        attempts.push(attempt)
        observed?.(attempt)
      },
    },
  }

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    courier: new Courier(options),
    bouncer,
    router,
    queue,
    clock,
    log,
    attempts,
    settle,
    async post(to, envelope = {}) {
      const draft = queue.begin()
      await draft.write(Buffer.from('Subject: hi\r\n\r\nhello\r\n'))
      await draft.end()
      const recipients = to.map((address) => {
        const [localPart = '', domain = ''] = address.split('@')
        return { mailbox: { localPart, domain } }
      })
      const { ids } = await draft.commit([
        {
          disposition: 'deliver',
          headerEdits: [],
          envelope: {
            reversePath: { localPart: 'ann', domain: 'local.test' },
            recipients,
            bodyType: '7bit',
            smtputf8: false,
            requireTls: false,
            ...envelope,
          },
        },
      ])
      return ids[0]
    },
    async sleep() {
      await settle()
      const next = queue.nextDueAt()
      if (next !== undefined) clock.advance(Math.max(0, next - clock.now()))
      await settle()
    },
  }
}

const byDomain: Router = {
  async route({ mailbox: { localPart, domain } }): Promise<Route> {
    if (domain === 'local.test') {
      return { transport: 'maildir', key: `maildir:${localPart}`, path: `/mail/${localPart}` }
    }
    return { transport: 'smtp', key: `smtp:${domain}`, lookup: 'mx', host: domain, port: 25 }
  },
}

/**
 * Tells the postmaster once a day of the bounces that wait for an operator. When it told last is remembered in the
 * store; losing that costs one message too many.
 */
import { formatMailbox, type Mailbox } from '../mail/address.ts'
import { formatField } from '../mail/header-field.ts'
import { printable } from '../mail/reply.ts'
import { formatDate } from '../mail/trace-fields.ts'
import type { Queue } from '../queue/queue.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { StoreTable } from '../runtime/store.ts'
import { heldBounceReason, type BounceSettings } from './bounce.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'

export interface HeldDigestOptions {
  readonly queue: Pick<Queue, 'begin' | 'entries'>
  readonly memory: Pick<StoreTable, 'get' | 'put'>
  readonly clock: Clock
  readonly log: Log
  readonly settings: () => Pick<BounceSettings, 'hostname' | 'from' | 'doubleBounceTo'>
  /** What other processes hold. */
  readonly others?: () => Promise<readonly HeldBounces[]>
}

/** Bounces that wait for an operator. */
export interface HeldBounces {
  readonly count: number
  /** The first of them, in words. */
  readonly lines: readonly string[]
}

const dayMs = 86_400_000
/** A wall clock that was set is noticed by then. */
const lookMs = 3_600_000
const namedBounces = 50
const rememberedAs = 'told-at'

export class HeldDigest {
  readonly #options: HeldDigestOptions
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #stopped = false

  constructor(options: HeldDigestOptions) {
    this.#options = options
  }

  start(): void {
    this.#sleep(lookMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#looking
  }

  #sleep(delayMs: number): void {
    if (this.#stopped) return
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#looking = this.#look().then(() => this.#sleep(lookMs))
    })
  }

  async #look(): Promise<void> {
    const { memory, clock, log, settings } = this.#options
    try {
      const told = await memory.get(rememberedAs)
      const now = clock.now()
      if (typeof told === 'number' && now >= told && now - told < dayMs) return
      const held = together([await this.#held(), ...((await this.#options.others?.()) ?? [])])
      const to = settings().doubleBounceTo
      if (held.count === 0 || to === undefined) return
      await this.#tell(to, held)
      await memory.put(rememberedAs, now)
      log.info('bounce.held-told', { count: held.count, to: formatMailbox(to) })
    } catch (error) {
      log.error('bounce.held-trouble', { error: String(error) })
    }
  }

  #held(): Promise<HeldBounces> {
    return heldBounces(this.#options.queue, () => this.#stopped)
  }

  async #tell(to: Mailbox, { count, lines }: HeldBounces): Promise<void> {
    const { queue, clock, settings } = this.#options
    const { hostname, from } = settings()
    const now = clock.now()
    const bounces = count === 1 ? '1 bounce waits' : `${count} bounces wait`
    const header = [
      ['Date', formatDate(now)],
      ['From', `Mail Delivery System <${formatMailbox(from)}>`],
      ['To', formatMailbox(to)],
      ['Subject', `${bounces} for you`],
      ['Message-ID', `<held.${now}@${hostname}>`],
      ['Auto-Submitted', 'auto-generated'],
    ] as const
    const body = [
      `This is the postern program at ${hostname}.`,
      `${bounces} in the queue: the senders did not log in, so their addresses may be forged.`,
      '',
      ...lines,
      ...(count > lines.length ? [`and ${count - lines.length} more`] : []),
      '',
      'postern queue list --held-bounces      shows them',
      'postern queue release --held-bounces   sends them',
      'postern queue delete --held-bounces    deletes them',
    ]
    const fields = header.map(([name, value]) => formatField(name, value)).join('')
    const draft = queue.begin()
    try {
      await draft.write(Buffer.from(`${fields}\r\n${body.map((line) => `${line}\r\n`).join('')}`))
      const message = await draft.end()
      const utf8 = message.eightBit
      await draft.commit([
        {
          disposition: 'deliver',
          headerEdits: [],
          // Should it fail, nobody is to be told of that.
          envelope: {
            reversePath: null,
            recipients: [{ mailbox: to }],
            bodyType: utf8 ? '8bitmime' : '7bit',
            smtputf8: utf8,
            requireTls: false,
            user: doubleBounceUser,
          },
        },
      ])
    } finally {
      draft.abort()
    }
  }
}

/** @param stopped whether nobody wants to know any more */
export async function heldBounces(
  queue: Pick<Queue, 'entries'>,
  stopped: () => boolean = () => false,
): Promise<HeldBounces> {
  let count = 0
  const lines: string[] = []
  for await (const entry of queue.entries({ held: true, reason: heldBounceReason })) {
    if (stopped()) break
    if ('damaged' in entry) continue
    count += 1
    const [recipient] = entry.envelope.recipients
    if (lines.length === namedBounces || recipient === undefined) continue
    const to = printable(formatMailbox(recipient.mailbox))
    lines.push(`${entry.id}  ${formatDate(entry.receivedAt)}  to ${to}`)
  }
  return { count, lines }
}

/** Of ids the first are the oldest. */
function together(all: readonly HeldBounces[]): HeldBounces {
  return {
    count: all.reduce((sum, { count }) => sum + count, 0),
    lines: all
      .flatMap(({ lines }) => lines)
      .toSorted()
      .slice(0, namedBounces),
  }
}

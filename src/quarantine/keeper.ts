/**
 * Keeps the quarantine: writes down what comes in and tells whoever wants to know, lets go what is kept too long or is
 * too much, and writes the daily digests. What it misses in a crash it finds when it next goes through the spool; a
 * notice may then come twice, never not at all. Nothing waits for it, and its troubles are logged.
 */
import { formatMailbox, mailboxKey, parseMailbox, type Mailbox } from '../mail/address.ts'
import type { Instant } from '../mail/instant.ts'
import type { Entry, Queue, Unsubscribe } from '../queue/queue.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { StoreTable } from '../runtime/store.ts'
import type { Allowance } from './allowance.ts'
import { digestText, type DigestFacts, type DigestLinks } from './digest.ts'
import type { HeldIndex } from './held-index.ts'
import { heldMessage, type Fate, type HeldMessage } from './held-message.ts'
import { LenientIndex } from './lenient-index.ts'
import { addresseesOf, noticeText, type NoticeRules, type Quarantined } from './notices.ts'
import { post, type PostDoors } from './post.ts'
import type { Search } from './search.ts'
import { overdue, type RetentionLimits, type Why } from './retention.ts'

export interface QuarantineSettings {
  /** Our own name. */
  readonly hostname: string
  /** What our letters come from. */
  readonly from: Mailbox
  /** Of all workers together. */
  readonly limits: RetentionLimits
  readonly rules: NoticeRules
  /** Absent: none, or another worker writes them. */
  readonly digest?: DigestSettings
}

export interface DigestSettings {
  /** In lower case. */
  readonly isWanted: (recipient: string) => boolean
  /** Entries of the chain whose messages only an administrator lets go. */
  readonly except: readonly string[]
  /** Of the local day, 0 to 23. */
  readonly hour: number
  /** Asked for each round; undefined: nobody serves links. */
  readonly links: () => Promise<DigestLinks | undefined>
}

export interface KeeperOptions {
  readonly queue: Queue
  /** Where notices and digests are posted; absent: in the queue. */
  readonly outbox?: Pick<Queue, 'begin'>
  readonly index: HeldIndex
  readonly memory: Pick<StoreTable, 'get' | 'put'>
  /** What this worker may keep of the limits; absent: it is the only one. */
  readonly allowance?: Allowance
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly settings: () => QuarantineSettings
  /** Called each time that the index has lost what it knew. @returns how to stop it */
  readonly onForgotten?: (listener: () => void) => Unsubscribe
  /** Told of each message that is let go. */
  readonly record?: (fate: Fate) => void
}

const lookMs = 60_000
const sweepMs = 3_600_000
/** After arrivals sooner, unless going through the spool takes long: it has at most this part of the time. */
const sweepShare = 60
/** What is older was told of before the index forgot it. */
const tellYoungerMs = 3_600_000
/** Arrivals that wait to be written down; beyond them, the next sweep finds them. */
const mostWaiting = 10_000
const removedAtOnce = 1_000
const loggedIds = 50
const digestLines = 100
const mostDigests = 10_000
/** What came a moment ago may not be written down yet: it is for the next digest. */
const digestLagMs = 300_000
const toldAt = 'told-at'

export class Keeper {
  readonly #options: KeeperOptions
  readonly #lenient: LenientIndex
  #unsubscribe: Unsubscribe | undefined
  #timer: Timer | undefined
  #work: Promise<void> = Promise.resolve()
  #waiting = 0
  #arrived = false
  #sweptAt = -Infinity
  #sweepTookMs = 0
  /** Who has got the digest of this round: one that could not be sent does not repeat the others. */
  readonly #digested = new Set<string>()
  #stopped = false

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#lenient = new LenientIndex(options.index)
  }

  get #post(): PostDoors {
    const { queue, outbox = queue } = this.#options
    return { ...this.#options, queue: outbox }
  }

  start(): void {
    const unsubscribe = this.#options.queue.onQuarantined((ids) => this.#hear(ids))
    const unfollow = this.#options.onForgotten?.(() => {
      this.#options.index.lost()
      this.#do(() => this.#sweep())
    })
    this.#unsubscribe = () => {
      unsubscribe()
      unfollow?.()
    }
    this.#do(() => this.#look())
    this.#sleep()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe?.()
    this.#timer?.cancel()
    await this.#work
  }

  #sleep(): void {
    if (this.#stopped) return
    this.#timer = this.#options.clock.after(lookMs, () => {
      this.#do(() => this.#look())
      this.#sleep()
    })
  }

  #hear(ids: readonly string[]): void {
    const { index } = this.#options
    this.#arrived = true
    if (this.#waiting + ids.length > mostWaiting) return index.lost()
    this.#waiting += ids.length
    index.expect(ids)
    this.#do(async () => {
      this.#waiting -= ids.length
      try {
        await this.#takeThose(ids)
      } catch (error) {
        index.lost()
        throw error
      } finally {
        index.came(ids)
      }
    })
  }

  async #takeThose(ids: readonly string[]): Promise<void> {
    const entries: Entry[] = []
    for await (const entry of this.#options.queue.entries({ ids, held: true })) {
      // A sweep may have come upon it first.
      if (!('damaged' in entry) && !(await this.#lenient.isTaken(entry.id))) entries.push(entry)
    }
    await this.#take(entries)
  }

  /** One thing after the other; a failure is logged and keeps nothing else from being done. */
  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#stopped) return
      try {
        await work()
      } catch (error) {
        this.#options.log.error('quarantine.trouble', { error: String(error) })
      }
    })
  }

  /** A store or a queue that fails must not keep what is too old from going: a full disk would stay full. */
  async #takeIfPossible(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#take(entries)
    } catch (error) {
      this.#options.index.lost()
      this.#options.log.error('quarantine.not-taken', { error: String(error) })
    }
  }

  /** Writes new arrivals of one message down, and tells of them. */
  async #take(entries: readonly Entry[]): Promise<void> {
    const { index, clock } = this.#options
    const copies = entries.flatMap((entry) => heldMessage(entry) ?? [])
    const [first] = entries
    if (first === undefined || copies.length === 0) return
    if (clock.now() - first.receivedAt < tellYoungerMs) {
      await this.#tell({
        copies,
        envelope: first.envelope,
        recipients: entries.flatMap(({ envelope }) =>
          envelope.recipients.map(({ mailbox }) => mailbox),
        ),
        header: first.message.header,
      })
    }
    const { maxAgeMs } = this.#options.settings().limits
    const expiresAt = maxAgeMs === undefined ? undefined : first.receivedAt + maxAgeMs + sweepMs
    for (const copy of copies) await index.add(copy, expiresAt)
  }

  async #tell(quarantined: Quarantined): Promise<void> {
    const { settings, log } = this.#options
    const { hostname, from, rules } = settings()
    const told = new Set<string>()
    for (const addressee of addresseesOf(quarantined, rules)) {
      const key = mailboxKey(addressee.to)
      if (told.has(key)) continue
      told.add(key)
      const { subject, text } = noticeText(quarantined, addressee, hostname)
      await post(this.#post, {
        hostname,
        from,
        subject,
        text,
        to: addressee.to,
        kind: 'auto-replied',
      })
      log.info('quarantine.told', { to: formatMailbox(addressee.to), as: addressee.as })
    }
  }

  async #look(): Promise<void> {
    const now = this.#options.clock.now()
    // It may have room again before anybody searches.
    if (await this.#lenient.isFull()) this.#options.index.lost()
    const pause = this.#arrived ? Math.max(lookMs, sweepShare * this.#sweepTookMs) : sweepMs
    if (now - this.#sweptAt >= Math.min(pause, sweepMs) || now < this.#sweptAt) await this.#sweep()
    await this.#digest(now)
  }

  /** Goes through everything that is held here. */
  async #sweep(): Promise<void> {
    const { queue, index, clock } = this.#options
    const { losses } = index
    const from = clock.monotonicMs()
    const isFull = await this.#lenient.isFull()
    this.#arrived = false
    const held: Kept[] = []
    let unknown: Entry[] = []
    for await (const entry of queue.entries({ held: true })) {
      if (this.#stopped) return
      if ('damaged' in entry || entry.grounds === undefined) continue
      const { id, grounds } = entry
      const seen = heldMessage(entry)
      if (seen === undefined) continue
      const { receivedAt, sizeBytes, recipients } = seen
      held.push({ id, receivedAt, sizeBytes, recipients })
      // What a full index has let go would only push the next one out.
      if (isFull && clock.now() - receivedAt >= tellYoungerMs) continue
      if (await this.#lenient.isKnown(id)) continue
      // The copies of one message follow each other.
      if (unknown[0]?.grounds?.transaction !== grounds.transaction) {
        await this.#takeIfPossible(unknown)
        unknown = []
      }
      unknown.push(entry)
    }
    await this.#takeIfPossible(unknown)
    // Where it is full, or has come to be, some have no row: also when those that have one go.
    if (!isFull && !(await this.#lenient.isFull())) index.found(losses)
    await this.#retain(held)
    this.#sweptAt = clock.now()
    this.#sweepTookMs = clock.monotonicMs() - from
  }

  async #retain(held: readonly Kept[]): Promise<void> {
    const { clock, settings, allowance } = this.#options
    const { limits } = settings()
    const ours = (await allowance?.of(limits, held, clock.now())) ?? limits
    const gone = overdue(held, ours, clock.now())
    for (let at = 0; at < gone.length; at += removedAtOnce) {
      await this.#letGo(gone.slice(at, at + removedAtOnce))
    }
    const going = new Set(gone.map(([each]) => each))
    const kept = held.filter((each) => !going.has(each))
    await allowance?.keeps(kept, clock.now())
  }

  async #letGo(gone: readonly (readonly [Kept, Why])[]): Promise<void> {
    const { queue, log } = this.#options
    const ids = gone.map(([{ id }]) => id)
    // One that was released meanwhile is not held any more, and stays.
    const count = await queue.change({ ids, held: true }, 'remove')
    await this.#lenient.forget(ids)
    for (const [held, why] of gone) {
      this.#options.record?.({ held, what: 'deleted', text: retentionText[why] })
    }
    const why = [...new Set(gone.map(([, each]) => each))]
    log.warn('quarantine.expired', { count, why, ids: ids.slice(0, loggedIds) })
  }

  async #digest(now: Instant): Promise<void> {
    const { memory, settings, log } = this.#options
    const { digest } = settings()
    if (digest === undefined) return
    const told = await memory.get(toldAt)
    const last = typeof told === 'number' && told <= now ? told : 0
    if (new Date(now).getHours() < digest.hour || isSameDay(last + digestLagMs, now)) return
    const upTo = now - digestLagMs
    const due = await this.#collect(digest, { after: last, before: upTo + 1 })
    const links = due.size === 0 ? undefined : await digest.links()
    for (const [recipient, { held, more }] of due) {
      if (this.#stopped) return
      if (this.#digested.has(recipient)) continue
      await this.#send(recipient, { held, more, now, links })
      this.#digested.add(recipient)
    }
    await memory.put(toldAt, upTo)
    this.#digested.clear()
    if (due.size > 0) log.info('quarantine.digests', { count: due.size })
  }

  /** By recipient what was held since the last digest. */
  async #collect(
    { isWanted, except }: DigestSettings,
    time: Pick<Search, 'after' | 'before'>,
  ): Promise<ReadonlyMap<string, { readonly held: HeldMessage[]; more: number }>> {
    const due = new Map<string, { readonly held: HeldMessage[]; more: number }>()
    for await (const held of this.#options.index.rows(time)) {
      if (held.entry !== undefined && except.includes(held.entry)) continue
      for (const written of held.recipients) {
        const recipient = written.toLowerCase()
        if (!isWanted(recipient)) continue
        const own = due.get(recipient) ?? { held: [], more: 0 }
        if (!due.has(recipient) && due.size >= mostDigests) continue
        due.set(recipient, own)
        if (own.held.length < digestLines) own.held.push(held)
        else own.more += 1
      }
    }
    return due
  }

  async #send(
    recipient: string,
    facts: Omit<DigestFacts, 'hostname' | 'recipient'>,
  ): Promise<void> {
    const { hostname, from } = this.#options.settings()
    const to = parseMailbox(recipient, { smtputf8: true })
    if (to === undefined) return
    const { subject, text } = digestText({ ...facts, hostname, recipient })
    await post(this.#post, { hostname, from, to, subject, text, kind: 'auto-generated' })
  }
}

const retentionText: { readonly [W in Why]: string } = {
  age: 'By quarantine.max_age: nobody let it go in time',
  size: 'By quarantine.max_size: it was the oldest, or too large by itself',
  count: 'By quarantine.max_messages: it was the oldest',
}

type Kept = Pick<HeldMessage, 'id' | 'receivedAt' | 'sizeBytes' | 'recipients'>

function isSameDay(a: Instant, b: Instant): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

/**
 * An operator's hands on the quarantine. A release is one durable change of the queue: before it the message is held,
 * after it the message is due, and nothing in between survives a crash. So it goes on exactly once per command, to the
 * recipients it was for; the queue then delivers it as it delivers everything.
 */
import { formatMailbox, type Mailbox } from '../mail/address.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { fieldText } from '../mail/header-field.ts'
import type { JsonObject } from '../mail/json.ts'
import type { Message } from '../mail/message.ts'
import { errorMessage, isPosternError, PosternError } from '../mail/errors.ts'
import type { Claim, Queue, QueueId } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { findHeld, type HeldIndex } from './held-index.ts'
import { heldMessage, type Fate, type HeldMessage } from './held-message.ts'
import { isAddress, type Search } from './search.ts'

/** What a scanner can be taught. */
export type Lesson = 'ham' | 'spam'

/** An entry of the chain that learns. @throws what it could not do */
export interface Learner {
  readonly entry: string
  learn(message: Message, as: Lesson, signal: AbortSignal): Promise<void>
}

export interface QuarantineDeskOptions {
  readonly queue: Pick<Queue, 'begin' | 'entries' | 'change' | 'claim' | 'settle' | 'release'>
  /** Absent without a gateway: the spool is gone through. */
  readonly index?: HeldIndex
  /** Those of the chain in force; none without a gateway. */
  readonly learners: () => readonly Learner[]
  /** Told of each message that leaves. */
  readonly record?: (fate: Fate) => void
  readonly clock: Clock
  readonly log: Log
}

/** A held message with all that is known of it. */
export interface HeldDetails {
  readonly held: HeldMessage
  readonly evidence: JsonObject
  /** The header as it will be delivered, as far as it is shown. */
  readonly header: string
  /** Other copies of the same message that are held. */
  readonly siblings: readonly HeldMessage[]
}

export interface Learned {
  readonly id: string
  readonly entry: string
  /** Absent: done. */
  readonly problem?: string
}

const fates = { release: 'released', remove: 'deleted' } as const
const byRecipient = 'By its recipient, from quarantine'
const mostFound = 10_000
const shownHeaderBytes = 16_384
const learnMs = 60_000

export class QuarantineDesk {
  readonly #options: QuarantineDeskOptions

  constructor(options: QuarantineDeskOptions) {
    this.#options = options
  }

  /** Newest first. */
  find(search: Search, limit = mostFound): Promise<readonly HeldMessage[]> {
    return findHeld(this.#options, search, Math.min(limit, mostFound))
  }

  /** @returns undefined for what is not in quarantine */
  async show(id: string): Promise<HeldDetails | undefined> {
    for await (const entry of this.#options.queue.entries({ ids: [id], held: true })) {
      const held = 'damaged' in entry ? undefined : heldMessage(entry)
      if (held === undefined || 'damaged' in entry) continue
      const { message, grounds } = entry
      const length = Math.min(message.bodyOffset, shownHeaderBytes)
      const header = Buffer.concat(await pieces(message, length)).toString('utf8')
      const siblings = (await this.#copiesOf(held)).filter((copy) => copy.id !== id)
      return { held, evidence: grounds?.evidence ?? {}, header, siblings }
    }
    return undefined
  }

  /**
   * Lets messages go on to their recipients.
   * @param search at least one key
   * @returns those that were released; durable when this resolves
   */
  async release(search: Search): Promise<readonly HeldMessage[]> {
    return this.#change(search, 'release')
  }

  /** Deletes messages, and tells nobody. */
  async remove(search: Search): Promise<readonly HeldMessage[]> {
    return this.#change(search, 'remove')
  }

  /**
   * Lets one message go on to one of the recipients for whom it is held, or deletes it for them; it stays held for the
   * others. What goes on is a message of its own: should we die between its commit and our note of it, the recipient
   * may ask for it again and has it twice, never not at all.
   * @param recipient an address, without regard to case
   * @returns what was decided, with this recipient alone; empty: it is not held for them, or somebody decides just now
   */
  async decideFor(
    id: string,
    recipient: string,
    to: 'release' | 'remove',
  ): Promise<readonly HeldMessage[]> {
    const [held] = await this.find({ ids: [id], recipient })
    if (held === undefined) return []
    if (held.recipients.length === 1) {
      return this.#change({ ids: [held.id], recipient }, to, byRecipient)
    }
    const { queue, clock, log } = this.#options
    const isMeant = ({ mailbox }: Recipient): boolean =>
      isAddress(formatMailbox(mailbox), recipient)
    const claim = await queue.claim(held.id, 'held', isMeant)
    if (claim === undefined) return []
    const theirs = { ...held, recipients: claim.recipients.map(nameOf) }
    let text = byRecipient
    try {
      if (to === 'release') text += `, as ${await this.#sendOn(claim)}`
    } catch (error) {
      await queue.release(claim, clock.now(), 'volatile')
      throw error
    }
    const result: DeliveryResult = { outcome: 'delivered', status: '2.0.0', text }
    await queue.settle(
      claim,
      claim.recipients.map(() => result),
      held.receivedAt,
    )
    const what = fates[to]
    this.#options.record?.({ held: theirs, what, text })
    log.info(`quarantine.${what}`, { count: 1, ids: [held.id], of: held.recipients.length })
    return [theirs]
  }

  /** Every copy of the messages that a search means: for all recipients for whom they are held. */
  async withCopies(search: Search): Promise<Search> {
    const found = await this.find(search)
    return { ids: [...new Set(found.map(({ transaction }) => transaction))] }
  }

  /**
   * Sends a copy to another address; the message stays in quarantine.
   * @returns how many were sent
   */
  async copy(search: Search, to: Mailbox): Promise<readonly HeldMessage[]> {
    const { queue, log } = this.#options
    const found = await this.find(search)
    for (const held of found) {
      for await (const entry of queue.entries({ ids: [held.id], held: true })) {
        if ('damaged' in entry) continue
        // Should it fail, that is between the operator and the other address: its sender never wrote there.
        const copied = { ...entry.envelope, reversePath: null, recipients: [{ mailbox: to }] }
        await this.#commit(entry.message, copied)
      }
    }
    log.info('quarantine.copied', { count: found.length, ids: firstIds(found) })
    return found
  }

  /** Teaches every scanner of the chain that can learn. @throws PosternError NOT_FOUND where none can */
  async learn(search: Search, as: Lesson): Promise<readonly Learned[]> {
    const learners = this.#options.learners()
    if (learners.length === 0) {
      throw new PosternError('NOT_FOUND', 'no entry of the running chain can learn')
    }
    const learned: Learned[] = []
    for (const { id } of await this.find(search)) {
      for await (const entry of this.#options.queue.entries({ ids: [id], held: true })) {
        if ('damaged' in entry) continue
        for (const learner of learners) {
          const problem = await this.#teach(learner, entry.message, as)
          learned.push({ id, entry: learner.entry, ...(problem === undefined ? {} : { problem }) })
        }
      }
    }
    this.#options.log.info('quarantine.learned', { as, count: learned.length })
    return learned
  }

  /** @returns why it did not work */
  async #teach(learner: Learner, message: Message, as: Lesson): Promise<string | undefined> {
    const { clock } = this.#options
    const controller = new AbortController()
    const late = Promise.withResolvers<never>()
    const timer = clock.after(learnMs, () => {
      controller.abort()
      late.reject(new PosternError('TIMEOUT', learner.entry))
    })
    try {
      await Promise.race([learner.learn(message, as, controller.signal), late.promise])
      return undefined
    } catch (error) {
      return errorMessage(error)
    } finally {
      timer.cancel()
    }
  }

  /** @returns the id under which it goes on */
  async #sendOn({ entry, recipients }: Claim): Promise<QueueId> {
    return this.#commit(entry.message, { ...entry.envelope, recipients })
  }

  async #commit(message: Message, envelope: Envelope): Promise<QueueId> {
    const draft = this.#options.queue.begin()
    try {
      for await (const chunk of message.read()) await draft.write(chunk)
      await draft.end()
      const receipt = await draft.commit([{ disposition: 'deliver', headerEdits: [], envelope }])
      return receipt.ids[0]
    } finally {
      draft.abort()
    }
  }

  /** @param text by whom, for its explanation */
  async #change(
    search: Search,
    to: 'release' | 'remove',
    text = 'By an operator, from quarantine',
  ): Promise<readonly HeldMessage[]> {
    const { queue, log } = this.#options
    const found = await this.find(search)
    const ids = found.map(({ id }) => id)
    if (ids.length === 0) return []
    // Somebody else may have been faster since they were found.
    if ((await queue.change({ ids, held: true }, to)) === 0) return []
    await this.#forgetRows(ids)
    const what = fates[to]
    for (const held of found) this.#options.record?.({ held, what, text })
    log.info(`quarantine.${what}`, { count: ids.length, ids: firstIds(found) })
    return found
  }

  /** What is done is done, whether the store answers or not: rows of what is not held are never shown. */
  async #forgetRows(ids: readonly QueueId[]): Promise<void> {
    try {
      await this.#options.index?.remove(ids)
    } catch (error) {
      if (!isPosternError(error, 'STORE_FAILED')) throw error
    }
  }

  /** All copies of one message were received in the same instant. */
  async #copiesOf({ receivedAt, transaction }: HeldMessage): Promise<readonly HeldMessage[]> {
    const { queue } = this.#options
    const around = { after: receivedAt - 1, before: receivedAt + 1 }
    return findHeld({ queue }, { ids: [transaction], ...around }, mostFound)
  }
}

async function pieces(message: Message, length: number): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for await (const chunk of message.read({ offset: 0, length })) parts.push(chunk)
  return parts
}

const loggedIds = 50

function firstIds(found: readonly HeldMessage[]): readonly string[] {
  return found.slice(0, loggedIds).map(({ id }) => id)
}

function nameOf({ mailbox }: Recipient): string {
  return fieldText(formatMailbox(mailbox))
}

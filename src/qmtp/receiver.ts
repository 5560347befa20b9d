/**
 * A session of QMTP or QMQP, without its connection: packets in, answers out. The message comes before its envelope, so it
 * goes into a draft first; then mail, rcpt, data and message are asked of the same policy as by SMTP, and it is committed
 * the same way. QMTP answers each recipient, in their order, and takes packet after packet; QMQP takes one, for all of its
 * recipients or none, and only from clients that may relay. What is no packet ends the session without a word: whoever
 * hears nothing has promised nothing away, and comes back.
 */
import type { Recipient } from '../mail/envelope.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Answer, Reply } from '../mail/reply.ts'
import { acceptMessage, storeFailed } from '../smtp/acceptance.ts'
import { ClientSilence } from '../smtp/client-silence.ts'
import type { ContentRules } from '../smtp/content-rules.ts'
import { Dialogue, type Expects } from '../smtp/dialogue.ts'
import { Intake } from '../smtp/intake.ts'
import { newSession } from '../smtp/new-session.ts'
import type { ReceiverSettings, SessionEnd } from '../smtp/policy.ts'
import type { ReceiverParts, SessionReceiver, Taken } from '../smtp/receiver.ts'
import * as replies from '../smtp/replies.ts'
import { EncodedReader, type Encoding } from './encoded-reader.ts'
import { PacketReader, type PacketEnvelope, type PacketProtocol } from './packet.ts'
import { packetAnswer } from './words.ts'
import { needsUtf8, recipientOf, senderOf } from './addresses.ts'

/** A message on its way into a draft, or, where there is none for it, to nowhere. */
interface Arriving {
  readonly intake: Intake | undefined
  readonly reader: EncodedReader
  /** Why there is no draft. */
  readonly failure?: { readonly error: unknown }
}

export class PacketReceiver implements SessionReceiver {
  readonly #protocol: PacketProtocol
  readonly #dialogue: Dialogue
  readonly #silence: ClientSilence
  #packet: PacketReader | undefined
  #arriving: Arriving | undefined
  /** What to wait for before the next bytes: one for all that came in one chunk. */
  #pressure: Promise<void> | undefined
  /** A packet is being judged. */
  #judging = false

  /** @throws whatever `Policy.open` throws */
  constructor(protocol: PacketProtocol, parts: ReceiverParts) {
    const { facts, policy, queue, clock, log, random } = parts
    const sessionPolicy = policy.open(facts)
    const session = newSession(facts, sessionPolicy)
    const peer = facts.remote.address
    const doors = { queue, clock, log, random, canStartTls: false, claimed: undefined }
    this.#protocol = protocol
    this.#silence = new ClientSilence(clock)
    // Whoever has packets to send begins: nobody speaks too early here.
    this.#silence.end()
    this.#dialogue = new Dialogue({ session, policy: sessionPolicy, peer, ...doors })
  }

  get expects(): Expects {
    if (this.#dialogue.over) return 'end'
    return this.#packet === undefined ? 'packet' : 'message'
  }

  get settings(): ReceiverSettings {
    return this.#dialogue.settings
  }

  get inLogin(): boolean {
    return false
  }

  /** A packet has begun and is not answered. */
  get inTransaction(): boolean {
    return this.#packet !== undefined || this.#judging
  }

  get isCommitting(): boolean {
    return this.#dialogue.isCommitting
  }

  get farewell(): boolean {
    return false
  }

  /** Packets are answered, and nothing else is said. */
  spoken(answer: Answer): string {
    return 'code' in answer ? '' : answer.map(packetAnswer).join('')
  }

  spoke(): void {
    this.#silence.spoke()
  }

  /** Nobody is greeted; who may not come in is sent away. */
  greet(): MaybePromise<Answer | undefined> {
    const dialogue = this.#dialogue
    const silence = this.#silence
    return this.#guard(
      () => {
        const { session, policy } = dialogue
        return dialogue.consult(policy.connect({ session, silence }), (ruling) => {
          if (ruling.ruling !== 'pass') dialogue.end('refused')
          else if (this.#protocol === 'qmqp' && !this.#isTrusted()) {
            dialogue.log.info('qmqp.refused', {
              session: session.id,
              remote: session.remote.address,
            })
            dialogue.end('refused')
          }
          return undefined
        })
      },
      () => {
        dialogue.end('errors')
        return undefined
      },
    )
  }

  line(): never {
    throw new Error('packets have no lines')
  }

  spoiltLine(): never {
    throw new Error('packets have no lines')
  }

  tlsStarted(): never {
    throw new Error('packets have no STARTTLS')
  }

  message(chunk: Buffer): Taken {
    this.#packet ??= new PacketReader(this.#protocol, {
      begin: (encoding, sizeBytes) => this.#beginMessage(encoding, sizeBytes),
      content: (piece) => this.#take(piece),
    })
    const packet = this.#packet
    const used = packet.read(chunk)
    const pressure = this.#pressure
    this.#pressure = undefined
    if (packet.state === 'more') return { used, answer: pressure?.then(() => undefined) }
    if (packet.state === 'broken') return { used: chunk.length, answer: this.#broken() }
    this.#packet = undefined
    this.#judging = true
    const { envelope } = packet
    const answer = after(pressure, () => this.#judge(envelope))
    return { used, answer: after(answer, this.#judged) }
  }

  end(reason: SessionEnd): void {
    this.#dialogue.end(reason)
    // The one that is being judged belongs to its transaction.
    if (!this.#judging) this.#arriving?.intake?.abort()
  }

  readonly #judged = (answers: readonly Reply[] | undefined): readonly Reply[] | undefined => {
    this.#judging = false
    this.#arriving?.intake?.abort()
    this.#arriving = undefined
    if (this.#protocol === 'qmqp') this.#dialogue.end('quit')
    return answers
  }

  /** A rule of tcp.smtp, or the setting. */
  #isTrusted(): boolean {
    const { session, settings } = this.#dialogue
    const { variables } = session.environment
    return variables.has('RELAYCLIENT') || settings.qmqpClients.has(session.remote.address)
  }

  #broken(): undefined {
    const { session, log } = this.#dialogue
    const fields = { session: session.id, remote: session.remote.address, protocol: this.#protocol }
    log.info('packet.broken', fields)
    this.end('errors')
    return undefined
  }

  #beginMessage(encoding: Encoding, sizeBytes: number): void {
    const { queue, settings } = this.#dialogue
    const { maxMessageBytes: maxBytes, maxTextLineBytes: maxLineBytes, lineEnds, nul } = settings
    const rules: ContentRules = { maxBytes, maxLineBytes, lineEnds, nul }
    const reader = new EncodedReader(rules, encoding, sizeBytes)
    try {
      const intake = new Intake(queue.begin(), reader, settings.maxHeaderBytes)
      this.#arriving = { intake, reader }
    } catch (error) {
      this.#arriving = { intake: undefined, reader, failure: { error } }
    }
  }

  #take(piece: Buffer): void {
    const { intake } = this.#arriving ?? {}
    const pressure = intake?.take(piece).pressure
    if (pressure === undefined) return
    const before = this.#pressure
    this.#pressure = before === undefined ? pressure : before.then(() => pressure)
  }

  /** @returns what each recipient is told; with QMQP what all are */
  #judge(envelope: PacketEnvelope): MaybePromise<readonly Reply[] | undefined> {
    const dialogue = this.#dialogue
    return this.#guard(
      () => this.#transact(envelope),
      () => {
        dialogue.endTransaction({ end: 'refused', reply: replies.localError })
        return this.#toAll(envelope, replies.localError)
      },
    )
  }

  #transact(packet: PacketEnvelope): MaybePromise<readonly Reply[] | undefined> {
    const dialogue = this.#dialogue
    const { session, policy, settings, nextTransactionId: transactionId } = dialogue
    const { sender, recipients } = packet
    const from = senderOf(sender, settings.hostname)
    if (from === undefined) return this.#toAll(packet, badSender)
    const { reversePath, ...marked } = from
    if (recipients.length === 0) return this.#protocol === 'qmqp' ? [replies.noRecipients] : []
    const { sizeBytes = 0, eightBit = false } = this.#arriving?.reader ?? {}
    const wanted = recipients.map((each) => recipientOf(each, settings.hostname))
    const parameters = {
      sizeBytes,
      bodyType: eightBit ? '8bitmime' : '7bit',
      ...(needsUtf8(reversePath, wanted) ? { smtputf8: true } : {}),
      ...marked,
    } as const
    const asked = policy.mail({ transactionId, session, reversePath, parameters })
    return after(asked, (ruling) => {
      if (dialogue.over) return undefined
      if (ruling.ruling !== 'pass') return this.#toAll(packet, dialogue.refuse('mail', ruling))
      dialogue.openTransaction(reversePath, parameters)
      return this.#askForEach(wanted)
    })
  }

  async #askForEach(
    wanted: readonly (Recipient | undefined)[],
  ): Promise<readonly Reply[] | undefined> {
    const dialogue = this.#dialogue
    const { policy, settings } = dialogue
    const told: (Reply | undefined)[] = []
    for (const recipient of wanted) {
      const { transaction } = dialogue
      if (transaction === undefined) return undefined
      if (recipient === undefined) told.push(badRecipient)
      else if (transaction.recipients.length >= settings.maxRecipients) {
        told.push(this.#protocol === 'qmqp' ? tooManyForOnePacket : replies.tooManyRecipients)
      } else {
        // oxlint-disable-next-line no-await-in-loop -- one question at a time is the policy's contract
        const ruling = await policy.rcpt({ transaction, recipient })
        if (dialogue.over) return undefined
        if (ruling.ruling === 'pass') {
          transaction.recipients.push(recipient)
          told.push(undefined)
          continue
        }
        if (ruling.ruling === 'reject') dialogue.refusedRecipients += 1
        told.push(replies.objection('rcpt', { ...ruling, close: false }, dialogue.shownId))
        const hadEnough = dialogue.refusedRecipients >= settings.maxRefusedRecipients
        if (ruling.close || hadEnough) dialogue.end(hadEnough ? 'errors' : 'refused')
        if (dialogue.over) return known(told)
      }
    }
    return this.#protocol === 'qmqp' ? this.#forAll(told) : this.#forEach(told)
  }

  /** Those that were taken hear what becomes of the message, the others why they were not. */
  async #forEach(told: readonly (Reply | undefined)[]): Promise<readonly Reply[]> {
    const first = told.find((each) => each !== undefined)
    if (first !== undefined && told.every((each) => each !== undefined)) {
      this.#dialogue.endTransaction({ end: 'refused', reply: first })
      return known(told)
    }
    const answer = await this.#commit()
    const said = 'code' in answer ? undefined : answer[Symbol.iterator]()
    return told.map((each) => each ?? said?.next().value ?? wholeOf(answer))
  }

  /** One answer has to be true for all: where one is not taken, none is. */
  async #forAll(told: readonly (Reply | undefined)[]): Promise<readonly Reply[]> {
    const refused = known(told)
    const worst = refused.find(({ code }) => code < 500) ?? refused[0]
    if (worst === undefined) return [wholeOf(await this.#commit())]
    this.#dialogue.endTransaction({ end: 'refused', reply: worst })
    return [worst]
  }

  /** The transaction ends here, whatever comes of it. */
  async #commit(): Promise<Answer> {
    const dialogue = this.#dialogue
    const { transaction } = dialogue
    const { intake, failure } = this.#arriving ?? {}
    if (transaction === undefined) return replies.localError
    if (intake === undefined) return storeFailed(dialogue, failure?.error)
    const ruling = await dialogue.policy.data({ transaction })
    if (dialogue.over) return replies.localError
    if (ruling.ruling !== 'pass') {
      const reply = replies.objection('data', ruling, dialogue.shownId)
      dialogue.endTransaction({ end: 'refused', reply })
      if (ruling.close) dialogue.end('refused')
      return reply
    }
    dialogue.intake = intake
    return acceptMessage(dialogue, intake)
  }

  #toAll({ recipients }: PacketEnvelope, reply: Reply): readonly Reply[] {
    return this.#protocol === 'qmqp' ? [reply] : recipients.map(() => reply)
  }

  #guard<A>(work: () => MaybePromise<A>, failed: () => A): MaybePromise<A> {
    const told = (error: unknown): A => {
      this.#dialogue.policyFailed(error)
      return failed()
    }
    try {
      const answer = work()
      return answer instanceof Promise ? answer.catch(told) : answer
    } catch (error) {
      return told(error)
    }
  }
}

const badSender = replies.badReversePath('The sender is no mail address')
const badRecipient = replies.badForwardPath('The recipient is no mail address')

/** Not 452: there is no second packet to name the others in, and this one comes back as it is. */
const tooManyForOnePacket: Reply = {
  ...replies.tooManyRecipients,
  code: 552,
  status: '5.5.3',
}

function known(told: readonly (Reply | undefined)[]): readonly Reply[] {
  return told.filter((each) => each !== undefined)
}

/** What was said of a message, where one reply speaks for all. */
function wholeOf(answer: Answer): Reply {
  return 'code' in answer ? answer : (answer[0] ?? replies.localError)
}

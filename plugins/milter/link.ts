/**
 * One session at a milter. The milter follows the session step by step; a step that it was not told when it happened
 * (the entry did not apply yet, the milter was restarted) is told before the next one. What it says to an earlier step
 * holds for the later one.
 */
import {
  formatMailbox,
  formatPath,
  type MailParameters,
  type Message,
  type Recipient,
  type ReversePath,
  type Session,
  type Transaction,
} from 'postern/plugin'
import type { Peer } from '../shared/peer/peer.ts'
import { answerOf, type Answer } from './answer.ts'
import { connectMacros, helloMacros, mailMacros, rcptMacros, type Macros } from './macros.ts'
import { Modifications, type Modified } from './modifications.ts'
import { negotiate, type Terms } from './negotiation.ts'
import { commands, packet, readPacket, texts, type Command, type Packet } from './packet.ts'

/** What comes of a message, with the changes where it goes on. */
export type MessageAnswer = Answer | ({ readonly answer: 'modified' } & Modified)

const onward: Answer = Object.freeze({ answer: 'continue' })
/** SMFIP says 65535, for milters that know no more. */
const largestChunk = 65_535

interface Told {
  readonly reversePath: ReversePath
  /** Known from the first recipient on. */
  id: string | undefined
  readonly recipients: Set<string>
  data: boolean
}

/** All methods @throws PosternError; after that the link is of no use. */
export class Link {
  readonly peer: Peer
  readonly #terms: Terms
  #connected = false
  /** The last greeting that it was told: the same words under TLS are another one. */
  #hello = ''
  #told: Told | undefined
  /** What the milter has said that holds for the rest of the session, or of the transaction. */
  #settledSession: Answer | undefined
  #settled: Answer | undefined

  private constructor(peer: Peer, terms: Terms) {
    this.peer = peer
    this.#terms = terms
  }

  static async over(peer: Peer): Promise<Link> {
    return new Link(peer, await negotiate(peer))
  }

  async session(session: Session): Promise<Answer> {
    if (this.#settledSession !== undefined) return this.#settledSession
    if (!this.#connected) {
      this.#connected = true
      const data = connectData(session)
      const answer = await this.#step(commands.connect, data, connectMacros(session))
      if (answer.answer !== 'continue') return (this.#settledSession = answer)
    }
    const greeting = greetingOf(session)
    if (session.hello !== undefined && greeting !== this.#hello) {
      this.#hello = greeting
      const data = texts(session.hello.name)
      const answer = await this.#step(commands.hello, data, helloMacros(session))
      // A greeting that was refused may be followed by a better one.
      if (answer.answer === 'accept') this.#settledSession = answer
      return answer
    }
    return onward
  }

  /** A new transaction; one that was not finished is called off. */
  async mail(
    session: Session,
    reversePath: ReversePath,
    parameters: MailParameters,
  ): Promise<Answer> {
    const before = await this.session(session)
    if (before.answer !== 'continue') return before
    if (this.#told !== undefined) await this.peer.send(packet(commands.abort))
    this.#told = { reversePath, id: undefined, recipients: new Set(), data: false }
    this.#settled = undefined
    const data = texts(formatPath(reversePath), ...mailArguments(parameters))
    return this.#settle(await this.#step(commands.mail, data, mailMacros(session, reversePath)))
  }

  async rcpt(transaction: Transaction, recipient: Recipient): Promise<Answer> {
    const before = await this.#upTo(transaction)
    return before.answer === 'continue' ? this.#recipient(transaction, recipient) : before
  }

  async data(transaction: Transaction): Promise<Answer> {
    const before = await this.#upTo(transaction)
    if (before.answer !== 'continue' || this.#told?.data !== false) return before
    this.#told.data = true
    const macros = [['i', transaction.id]] as const
    return this.#settle(await this.#step(commands.data, new Uint8Array(), macros))
  }

  async message(transaction: Transaction, message: Message): Promise<MessageAnswer> {
    const before = await this.data(transaction)
    if (before.answer !== 'continue') return this.#over(before)
    const header = await this.#header(message)
    if (header.answer !== 'continue') return this.#over(header)
    const body = await this.#body(message)
    if (body.answer !== 'continue') return this.#over(body)
    await this.#macros(commands.endOfMessage, [['i', transaction.id]])
    await this.peer.send(packet(commands.endOfMessage))
    const modifications = new Modifications(message.header)
    for (;;) {
      const said = await this.#heard()
      const answer = answerOf(said)
      if (answer?.answer === 'continue' || answer?.answer === 'accept') {
        this.#told = undefined
        return { answer: 'modified', ...modifications.result }
      }
      if (answer !== undefined && answer.answer !== 'skip') {
        this.#told = undefined
        return answer
      }
      const problem = modifications.take(said)
      if (problem !== undefined) throw this.peer.fail(problem)
    }
  }

  /** The session is over. */
  quit(): void {
    this.peer.farewell(packet(commands.quit))
  }

  /** What the milter would have been told, had it been asked at every step. */
  async #upTo(transaction: Transaction): Promise<Answer> {
    const before = await this.session(transaction.session)
    if (before.answer !== 'continue') return before
    const told = this.#told
    const isThis =
      told !== undefined &&
      (told.id ?? transaction.id) === transaction.id &&
      formatPath(told.reversePath) === formatPath(transaction.reversePath)
    if (!isThis) {
      const { session, reversePath, parameters } = transaction
      const answer = await this.mail(session, reversePath, parameters)
      if (answer.answer !== 'continue') return answer
    }
    if (this.#told !== undefined) this.#told.id = transaction.id
    if (this.#settled !== undefined) return this.#settled
    for (const recipient of transaction.recipients) {
      const answer = await this.#recipient(transaction, recipient)
      if (answer.answer !== 'continue') return answer
    }
    return onward
  }

  /** An objection is to this recipient; anything else settles the transaction. */
  async #recipient({ id }: Transaction, recipient: Recipient): Promise<Answer> {
    const address = formatMailbox(recipient.mailbox)
    if (this.#told?.recipients.has(address) === true) return onward
    const data = texts(`<${address}>`)
    const answer = await this.#step(commands.rcpt, data, rcptMacros(recipient, id))
    if (answer.answer === 'reject' || answer.answer === 'defer') return answer
    this.#told?.recipients.add(address)
    return this.#settle(answer)
  }

  /** `accept` and `discard` hold for the rest of the transaction, and so does an objection to it. */
  #settle(answer: Answer): Answer {
    if (answer.answer !== 'continue' && answer.answer !== 'skip') this.#settled = answer
    return answer
  }

  /** The message is judged before its end: the milter is to forget it. */
  async #over(answer: Answer): Promise<Answer> {
    if (this.#told !== undefined) await this.peer.send(packet(commands.abort))
    this.#told = undefined
    this.#settled = undefined
    return answer
  }

  async #header(message: Message): Promise<Answer> {
    if (this.#terms.wants(commands.header)) {
      const bytes = await bytesOf(message.read({ offset: 0, length: message.bodyOffset }))
      for (const { name, range } of message.header.fields) {
        if (name === '') continue
        const raw = bytes.toString('latin1', range.offset, range.offset + range.length)
        const value = valueOf(raw.slice(raw.indexOf(':') + 1), this.#terms.leadingSpace)
        const data = Buffer.from(`${name}\0${value.replaceAll('\0', '?')}\0`, 'latin1')
        const answer = await this.#step(commands.header, data, [])
        if (answer.answer !== 'continue') return answer
      }
    }
    return this.#step(commands.endOfHeader, new Uint8Array(), [])
  }

  async #body(message: Message): Promise<Answer> {
    if (!this.#terms.wants(commands.body)) return onward
    const { bodyOffset, sizeBytes } = message
    const range = { offset: bodyOffset, length: sizeBytes - bodyOffset }
    for await (const chunk of message.read(range)) {
      for (let at = 0; at < chunk.length; at += largestChunk) {
        const data = chunk.subarray(at, at + largestChunk)
        const answer = await this.#step(commands.body, data, [])
        if (answer.answer === 'skip') return onward
        if (answer.answer !== 'continue') return answer
      }
    }
    return onward
  }

  async #step(command: Command, data: Uint8Array, macros: Macros): Promise<Answer> {
    if (!this.#terms.wants(command)) return onward
    await this.#macros(command, macros)
    await this.peer.send(packet(command, data))
    if (!this.#terms.answers(command)) return onward
    const said = await this.#heard()
    const answer = answerOf(said)
    const fits = answer !== undefined && (answer.answer !== 'skip' || command === commands.body)
    if (!fits) throw this.peer.fail(`answers ${command} with ${JSON.stringify(said.letter)}`)
    return answer
  }

  async #macros(command: Command, macros: Macros): Promise<void> {
    if (macros.length === 0) return
    const data = Buffer.concat([Buffer.from(command, 'latin1'), texts(...macros.flat())])
    await this.peer.send(packet(commands.macros, data))
  }

  /** That it is still at work is no answer, but gives it time. */
  async #heard(): Promise<Packet> {
    for (;;) {
      const said = await readPacket(this.peer)
      if (said.letter !== 'p') return said
    }
  }
}

function greetingOf({ hello, tls }: Session): string {
  return hello === undefined ? '' : `${tls?.protocol ?? ''} ${hello.verb} ${hello.name}`
}

/** Name, family, port and address; a UNIX socket has none of them. */
function connectData({ remote, remoteName }: Session): Buffer {
  const name = texts(remoteName ?? `[${remote.address}]`)
  if (remote.address === 'unix') return Buffer.concat([name, Buffer.from('U', 'latin1')])
  const family = Buffer.from(remote.address.includes(':') ? '6' : '4', 'latin1')
  const port = Buffer.alloc(2)
  port.writeUInt16BE(remote.port)
  return Buffer.concat([name, family, port, texts(remote.address)])
}

function mailArguments({ sizeBytes, bodyType, smtputf8 }: MailParameters): readonly string[] {
  return [
    ...(sizeBytes === undefined ? [] : [`SIZE=${sizeBytes}`]),
    ...(bodyType === undefined ? [] : [`BODY=${bodyType.toUpperCase()}`]),
    ...(smtputf8 === true ? ['SMTPUTF8'] : []),
  ]
}

/** As libmilter has it: folds with LF, without the last line end, the blank after the colon by agreement. */
function valueOf(raw: string, leadingSpace: boolean): string {
  const value = raw.replace(/\r\n$/, '').replaceAll('\r\n', '\n')
  return !leadingSpace && value.startsWith(' ') ? value.slice(1) : value
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks))
}

/**
 * A session on its connection: bytes to lines, replies to bytes, STARTTLS, deadlines. The only file that holds a
 * Connection. While an answer is awaited, or the client does not read, what it sends is held and then paused;
 * all that follows from one chunk leaves in one write, and who sends a great many commands lets others have their turn.
 * Ends by itself: `closed` is called once, whatever happens.
 */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Answer, Reply } from '../mail/reply.ts'
import type { TlsState } from '../mail/session.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Connection, ConnectionHandlers } from '../runtime/net.ts'
import { DataPace } from './data-pace.ts'
import { Deadline } from './deadline.ts'
import { LineReader } from './line-reader.ts'
import type { ListenerMeter } from './listener-meter.ts'
import type { SessionEnd, TlsChoice } from './policy.ts'
import { maxLineBytes, type SessionReceiver } from './receiver.ts'
import { shuttingDown, timedOut, tooSlow } from './replies.ts'
import { failureLevel, secured, type Handshake } from './secured.ts'
import type { SessionRecording } from './session-recording.ts'

/** Replies wait this long for those that follow from the same chunk. */
const holdMs = 1_000
/** … and so many bytes of them: HELP is answered with twenty times its length. */
const holdBytes = 65_536
/** So many commands of a client are taken before others have their turn: a chunk may hold thousands. */
const stepsATurn = 50

export interface SessionConnectionParts {
  /** The session's. */
  readonly id: string
  readonly connection: Connection
  readonly receiver: SessionReceiver
  readonly clock: Clock
  readonly log: Log
  /** Asked for when it begins: a renewed certificate is used at once. */
  readonly handshake: (choice: TlsChoice | undefined) => Handshake
  readonly meter: ListenerMeter
  /** The client has ended its session, and nothing more of it is waited for; `closed` follows. */
  readonly finished: (session: SessionConnection) => void
  readonly closed: (session: SessionConnection) => void
  /** Absent: nobody wants to see the dialogue. */
  readonly recording?: SessionRecording | undefined
}

export class SessionConnection implements ConnectionHandlers {
  readonly #parts: SessionConnectionParts
  readonly #receiver: SessionReceiver
  readonly #deadline: Deadline
  readonly #pace: DataPace
  readonly #input = new LineReader(maxLineBytes)
  /** Replies that are not sent yet, and since when. */
  #out = ''
  #outSince = 0
  /** An answer is awaited. */
  #waiting = false
  /** The client reads slower than it asks. */
  #blocked = false
  #paused = false
  /** The client has finished sending. */
  #halfClosed = false
  /** To be sent away at the next moment without a transaction. */
  #retiring = false
  /** To be sent away when it has heard what came of its commit. */
  #dismissed = false
  /** Our last words are said. */
  #closing = false
  /** Taken since others had their turn; an answer that is awaited may come without one. */
  #steps = 0

  constructor(parts: SessionConnectionParts) {
    this.#parts = parts
    this.#receiver = parts.receiver
    this.#deadline = new Deadline(parts.clock, this.#late)
    this.#pace = new DataPace(parts.clock, this.#tooSlow)
  }

  /** Greets the client. @param received what it sent already, behind a PROXY header for instance */
  start(received?: Buffer): void {
    this.#parts.connection.attach(this)
    if (received !== undefined && received.length > 0) {
      this.#input.push(received)
      this.#receiver.spoke()
    }
    this.#settle(this.#receiver.greet())
    this.#pump()
  }

  /** Says 421 as soon as no transaction is open. */
  retire(): void {
    this.#retiring = true
    this.#pump()
  }

  /**
   * Says 421 now, whatever is going on, but to a client whose message is being committed: it would send again what is
   * promised a moment later. It hears what came of that first.
   */
  dismiss(): void {
    if (this.#receiver.isCommitting) this.#dismissed = true
    else this.#sendAway('shutdown', shuttingDown(this.#receiver.settings.hostname))
  }

  /** Of a message all is said but its bytes: the sooner it is stored, the sooner its draft is given back. */
  get isEnding(): boolean {
    return this.#receiver.expects === 'message'
  }

  data(chunk: Buffer): void {
    if (this.#closing) return
    this.#steps = 0
    this.#input.push(chunk)
    this.#receiver.spoke()
    this.#pace.received(chunk.length)
    this.#pump()
  }

  ended(): void {
    this.#halfClosed = true
    this.#pump()
  }

  drained(): void {
    this.#blocked = false
    this.#pump()
  }

  closed(): void {
    this.#closing = true
    this.#deadline.cancel()
    this.#pace.cancel()
    this.#receiver.end('disconnect')
    this.#recording?.ended(false)
    this.#parts.closed(this)
  }

  get #recording(): SessionRecording | undefined {
    return this.#parts.recording
  }

  #pump(): void {
    while (!this.#waiting && !this.#blocked && !this.#closing) {
      if (this.#steps === stepsATurn) {
        this.#steps = 0
        this.#settle(nextTurn())
      } else if (!this.#step()) break
      else this.#steps++
    }
    if (this.#closing) return
    if (!this.#waiting || this.#heldLong()) this.#flush()
    if (this.#halfClosed && !this.#waiting && !this.#blocked) {
      this.#receiver.end('disconnect')
      this.#close()
    }
    this.#regulate()
  }

  /** Takes what the client sent as far as one reply. @returns whether there may be more */
  #step(): boolean {
    const receiver = this.#receiver
    if (this.#retiring && !receiver.inTransaction) {
      this.dismiss()
      return false
    }
    switch (receiver.expects) {
      case 'line': {
        const line = this.#input.line()
        if (line === undefined) return false
        if (typeof line === 'string') this.#recording?.line(line, receiver.inLogin)
        else this.#recording?.spoilt()
        this.#settle(typeof line === 'string' ? receiver.line(line) : receiver.spoiltLine(line))
        return true
      }
      case 'packet':
      case 'message': {
        const chunk = this.#input.rest()
        if (chunk === undefined) return false
        const { used, answer } = receiver.message(chunk)
        this.#input.skip(used)
        this.#recording?.message(chunk.subarray(0, used))
        this.#settle(answer)
        return true
      }
      case 'handshake':
        this.#startTls()
        return false
      case 'another client':
        throw new Error('a session that nobody began')
      case 'end':
        this.#close()
        return false
    }
  }

  #settle(answer: MaybePromise<Answer | undefined>): void {
    if (answer instanceof Promise) {
      this.#waiting = true
      this.#deadline.suspend()
      this.#pace.rest()
      void answer.then(this.#answered)
    } else {
      this.#say(answer)
    }
  }

  readonly #answered = (answer: Answer | undefined): void => {
    this.#waiting = false
    if (this.#closing) return
    this.#say(answer)
    if (this.#dismissed) this.dismiss()
    else this.#pump()
  }

  #say(answer: Answer | undefined): void {
    const { commandTimeoutMs, dataTimeoutMs, dataPace } = this.#receiver.settings
    if (answer !== undefined) {
      this.#parts.meter.replied(answer)
      if (this.#out === '') this.#outSince = this.#parts.clock.monotonicMs()
      this.#speak(this.#receiver.spoken(answer))
      if (this.#out.length > holdBytes) this.#flush()
    }
    const inMessage = this.#receiver.expects === 'message'
    this.#deadline.move(inMessage ? dataTimeoutMs : commandTimeoutMs)
    if (inMessage) this.#pace.watch(dataPace)
    else this.#pace.rest()
  }

  #speak(text: string): void {
    this.#out += text
    this.#recording?.said(text)
  }

  #heldLong(): boolean {
    return this.#out !== '' && this.#parts.clock.monotonicMs() - this.#outSince > holdMs
  }

  #flush(): void {
    if (this.#out === '') return
    const out = this.#out
    this.#out = ''
    this.#blocked = !this.#parts.connection.write(out)
  }

  /** Stops the client where it sends more than can be dealt with, and lets it go on. */
  #regulate(): void {
    const { full } = this.#input
    if (full === this.#paused) return
    this.#paused = full
    if (full) this.#parts.connection.pause()
    else this.#parts.connection.resume()
  }

  #startTls(): void {
    const { connection, handshake } = this.#parts
    this.#flush()
    this.#input.clear()
    this.#waiting = true
    this.#deadline.suspend()
    void secured(connection, handshake(this.#receiver.settings.tls)).then(
      this.#secured,
      this.#insecure,
    )
  }

  readonly #secured = (state: TlsState): void => {
    this.#waiting = false
    this.#parts.meter.secured(state.protocol)
    // What the socket below was still writing is out, and nobody tells.
    this.#blocked = false
    if (this.#closing) return
    this.#receiver.tlsStarted(state)
    this.#recording?.secured()
    this.#say(undefined)
    this.#pump()
  }

  readonly #insecure = (error: Error): void => {
    const { log, id, connection, meter } = this.#parts
    meter.secured('failed')
    log[failureLevel(error)]('tls.failed', { session: id, error: error.message })
    this.#waiting = false
    this.#closing = true
    this.#receiver.end('disconnect')
    connection.destroy()
  }

  readonly #late = (): void => {
    this.#sendAway('timeout', timedOut(this.#receiver.settings.hostname))
  }

  readonly #tooSlow = (): void => {
    this.#sendAway('timeout', tooSlow(this.#receiver.settings.hostname))
  }

  #sendAway(reason: SessionEnd, reply: Reply): void {
    if (this.#closing) return
    this.#receiver.end(reason)
    this.#parts.meter.replied(reply)
    this.#speak(this.#receiver.spoken(reply))
    this.#close()
  }

  #close(): void {
    this.#flush()
    this.#closing = true
    this.#input.clear()
    this.#regulate()
    this.#recording?.ended(!this.#halfClosed)
    const { connection } = this.#parts
    if (this.#halfClosed || this.#receiver.farewell) {
      connection.close()
      this.#parts.finished(this)
    } else {
      connection.end()
    }
    this.#deadline.cancel()
    this.#pace.cancel()
  }
}

const nextTurn = (): Promise<undefined> =>
  new Promise((resolve) => void setImmediate(resolve, undefined))

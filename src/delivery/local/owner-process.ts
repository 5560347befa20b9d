/**
 * One process of a mailbox owner's that stays, from root's end: it is handed one delivery after the other, by the frames of
 * the deliverer (../deliverer/frames.ts) on its standard input and output. Its owner may do with it what he likes: what it
 * answers counts for the delivery that it has in hand and for nothing else, and what it says beyond that ends it.
 */
import { PosternError } from '../../mail/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'
import type { ProgramEnd, Programs, RunningProgram } from '../../runtime/programs.ts'
import { formatFrame, FrameReader, pieces, type Frame } from '../deliverer/frames.ts'
import { Kept } from '../deliverer/kept.ts'
import { readAnswer } from '../deliverer/requests.ts'
import {
  limitsOf,
  mostForwardBytes,
  mostReportBytes,
  programEndMs,
  type Owner,
  type ProgramLimits,
} from './as-user.ts'
import type { LocalDelivery } from './local-delivery.ts'

export interface OwnerProcessParts {
  readonly programs: Pick<Programs, 'start'>
  readonly clock: Clock
  /** The program that stays, as it is started. */
  readonly command: readonly [string, ...string[]]
}

/** As what it is started. */
export interface OwnerStart extends Pick<LocalDelivery, 'environment'>, ProgramLimits {
  readonly owner: Owner
}

/** What is handed over: an order (owner-order.ts) and the message with LF line ends. */
export interface Handed {
  readonly order: Uint8Array
  readonly message: Uint8Array
}

/** Of one delivery, in frames: what it may want to be sent on, what it has to report, and some more. */
const mostSaidBytes = mostForwardBytes + (1 << 20)
/** Of what Node itself complains of, such as a file that is missing. */
const mostComplaintBytes = 4 << 10
/** After SIGTERM and SIGKILL nothing should be left. */
const abandonMs = 6000

export class OwnerProcess {
  readonly pid: number
  readonly #program: RunningProgram
  readonly #clock: Clock
  readonly #reader = new FrameReader()
  readonly #ended = Promise.withResolvers<void>()
  readonly #over: () => void
  #isSound = true
  #hand: Hand | undefined

  private constructor(program: RunningProgram, clock: Clock, over: () => void) {
    this.pid = program.pid
    this.#program = program
    this.#clock = clock
    this.#over = over
    program.attach({
      output: (chunk) => this.#hear(chunk),
      complaint: (chunk) => this.#hand?.complained.add(chunk),
      drained: () => undefined,
      ended: (end) => this.#end(end),
    })
  }

  /**
   * @param owner whose process it is from its first instruction, without any further group
   * @param over called once it is of no further use, by itself or by `stop`
   * @throws PosternError PROGRAM_FAILED
   */
  static async start(
    { programs, clock, command }: OwnerProcessParts,
    { owner: { uid, gid }, environment, ...limits }: OwnerStart,
    over: () => void,
  ): Promise<OwnerProcess> {
    const as = { uid, gid }
    const call = { command, environment, as, graceMs: programEndMs, ...limitsOf(limits) }
    return new OwnerProcess(await programs.start(call), clock, over)
  }

  /** It may be handed another delivery. */
  get isSound(): boolean {
    return this.#isSound
  }

  /**
   * One at a time.
   * @throws PosternError PROGRAM_FAILED where it says what is no answer; ABORTED, after which neither the process nor what
   * it started is left
   */
  async deliver({ order, message }: Handed, signal: AbortSignal): Promise<UserDelivery> {
    if (signal.aborted) throw aborted()
    if (!this.#isSound) throw failed('has ended')
    const hand = new Hand()
    this.#hand = hand
    const abort = (): void => void this.#abort(hand)
    signal.addEventListener('abort', abort, { once: true })
    try {
      this.#program.write(formatFrame('request', order))
      for (const piece of pieces(message)) this.#program.write(formatFrame('message', piece))
      this.#program.write(formatFrame('end'))
      return await hand.done
    } finally {
      signal.removeEventListener('abort', abort)
      this.#hand = undefined
    }
  }

  /** Ends it, and what it has started for the delivery that it has in hand. */
  stop(): void {
    this.#isSound = false
    this.#program.stop()
    this.#over()
  }

  async #abort(hand: Hand): Promise<void> {
    this.stop()
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(abandonMs, resolve)
    await Promise.race([this.#ended.promise, late])
    timer.cancel()
    hand.fail(aborted())
  }

  #hear(chunk: Uint8Array): void {
    // What comes while it is being ended is nobody's.
    if (!this.#isSound) return
    const frames = this.#reader.read(chunk)
    const hand = this.#hand
    if (frames === undefined || hand === undefined || !hand.take(frames, chunk.length)) {
      this.stop()
      hand?.fail(failed('says what is no answer'))
    }
  }

  #end(end: ProgramEnd): void {
    const wasSound = this.#isSound
    this.#isSound = false
    this.#ended.resolve()
    // Whoever ends it waits for this, and says himself what becomes of the delivery.
    if (!wasSound) return
    this.#hand?.endEarly(end)
    this.#over()
  }
}

/** The delivery in hand. */
class Hand {
  readonly done: Promise<UserDelivery>
  readonly complained = new Kept(mostComplaintBytes)
  readonly #text = new Kept(2 * mostReportBytes)
  readonly #forward = new Kept(mostForwardBytes)
  readonly #settle = Promise.withResolvers<UserDelivery>()
  #saidBytes = 0
  #answered = false

  constructor() {
    this.done = this.#settle.promise
    this.done.catch(() => undefined)
  }

  /** @returns false for what is no part of an answer, or too much of it */
  take(frames: readonly Frame[], bytes: number): boolean {
    this.#saidBytes += bytes
    if (this.#saidBytes > mostSaidBytes) return false
    return frames.every((frame) => !this.#answered && this.#takeOne(frame))
  }

  fail(error: PosternError): void {
    this.#settle.reject(error)
  }

  /** Whatever its exit code says, it has not answered: the mail is tried again. */
  endEarly(end: ProgramEnd): void {
    const why = 'exit' in end ? ` (exit code ${end.exit})` : ''
    const said = Buffer.concat([
      this.complained.all,
      Buffer.from(`The process of the user ended before it answered${why}. (#4.3.0)\n`),
    ])
    const early = 'exit' in end ? { exit: 111 } : end
    this.#settle.resolve({ end: early, text: said, forward: new Uint8Array() })
  }

  #takeOne({ kind, payload }: Frame): boolean {
    if (kind === 'text') this.#text.add(payload)
    else if (kind === 'forward') this.#forward.add(payload)
    else if (kind === 'answer') return this.#answer(payload)
    else return false
    return true
  }

  #answer(payload: Uint8Array): boolean {
    const answer = readAnswer(payload)
    if (answer === undefined || !('end' in answer) || !('exit' in answer.end)) return false
    this.#answered = true
    this.#settle.resolve({ end: answer.end, text: this.#text.all, forward: this.#forward.all })
    return true
  }
}

function failed(what: string): PosternError {
  return new PosternError('PROGRAM_FAILED', `the process of the user ${what}`)
}

function aborted(): PosternError {
  return new PosternError('ABORTED', 'the process of the user')
}

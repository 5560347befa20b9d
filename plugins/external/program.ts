/**
 * A program that stays, asked by lines of JSON: `{"id":7,"stage":…}` in, `{"id":7,"verdict":…}` out, in any order. One
 * that ends is started again, later each time; one that talks nonsense, or answers nothing any more, is ended.
 */
import {
  PosternError,
  type Clock,
  type JsonObject,
  type Log,
  type ProgramCall,
  type Programs,
  type RunningProgram,
  type Timer,
} from 'postern/plugin'

export interface ProgramDoors {
  readonly programs: Programs
  readonly clock: Clock
  readonly log: Log
}

const longestLine = 1_048_576
const mostWaiting = 1000
const firstPauseMs = 1000
const longestPauseMs = 60_000
/** So many questions in a row without an answer, and it hangs. */
const mostUnanswered = 3

interface Waiting {
  answered(answer: unknown): void
  failed(error: Error): void
}

export class TalkingProgram {
  readonly #call: ProgramCall
  readonly #doors: ProgramDoors
  readonly #waiting = new Map<number, Waiting>()
  #running: RunningProgram | undefined
  #starting: Promise<void> | undefined
  #restart: Timer | undefined
  #pauseMs = firstPauseMs
  #unanswered = 0
  #next = 1
  #text = ''
  #full: Promise<void> | undefined
  #drained: (() => void) | undefined
  #closed = false

  constructor(call: ProgramCall, doors: ProgramDoors) {
    this.#call = call
    this.#doors = doors
  }

  /** Starts it; one that cannot be started is tried again later. */
  async open(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined))
    await this.#starting
  }

  /** @throws PosternError PROGRAM_FAILED, TIMEOUT, ABORTED */
  async ask(
    question: JsonObject,
    { signal, withinMs }: { readonly signal: AbortSignal; readonly withinMs: number },
  ): Promise<unknown> {
    const id = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    promise.catch(() => undefined)
    if (this.#waiting.size >= mostWaiting) throw failure('too many questions wait for it')
    const aborted = (): void => reject(new PosternError('ABORTED', this.#name))
    const timer = this.#doors.clock.after(withinMs, () => {
      reject(new PosternError('TIMEOUT', `${this.#name} did not answer within ${withinMs} ms`))
      this.#unanswered += 1
      if (this.#unanswered >= mostUnanswered) this.#giveUp('answers nothing any more')
    })
    signal.addEventListener('abort', aborted)
    if (signal.aborted) aborted()
    this.#waiting.set(id, { answered: resolve, failed: reject })
    try {
      const said = this.#say(`${JSON.stringify({ id, ...question })}\n`)
      return await Promise.race([promise, said.then(() => promise)])
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', aborted)
      this.#waiting.delete(id)
    }
  }

  close(): void {
    this.#closed = true
    this.#restart?.cancel()
    this.#running?.endInput()
    this.#running?.stop()
    this.#failAll('is stopped')
  }

  get #name(): string {
    return this.#call.command[0]
  }

  /** One line after the other: what the program does not read is not piled up. */
  async #say(line: string): Promise<void> {
    if (this.#starting !== undefined) await this.#starting
    while (this.#full !== undefined) await this.#full
    if (this.#running === undefined) throw failure(`${this.#name} does not run`)
    if (this.#running.write(line)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#full = promise
    this.#drained = () => {
      this.#full = undefined
      this.#drained = undefined
      resolve()
    }
  }

  async #start(): Promise<void> {
    const { programs, log } = this.#doors
    try {
      const running = await programs.start(this.#call)
      if (this.#closed) return running.stop()
      this.#running = running
      this.#text = ''
      this.#unanswered = 0
      running.attach({
        output: (chunk) => this.#heard(running, chunk),
        complaint: (chunk) =>
          log.warn('external.complaint', { text: Buffer.from(chunk).toString().slice(0, 1000) }),
        drained: () => this.#drained?.(),
        ended: (end) => this.#ended(running, JSON.stringify(end)),
      })
      log.info('external.started', { program: this.#name, pid: running.pid })
    } catch (error) {
      this.#again(String(error))
    }
  }

  #ended(running: RunningProgram, how: string): void {
    if (this.#running !== running) return
    this.#running = undefined
    this.#drained?.()
    this.#failAll(`ended: ${how}`)
    this.#again(how)
  }

  #again(why: string): void {
    if (this.#closed) return
    const afterMs = this.#pauseMs
    this.#doors.log.error('external.ended', { program: this.#name, why, afterMs })
    this.#pauseMs = Math.min(longestPauseMs, afterMs * 2)
    this.#restart = this.#doors.clock.after(afterMs, () => void this.open())
  }

  #heard(running: RunningProgram, chunk: Uint8Array): void {
    if (this.#running !== running) return
    const text = Buffer.from(chunk).toString('latin1')
    this.#text += text
    if (!text.includes('\n') && this.#text.length <= longestLine) return
    const lines = this.#text.split('\n')
    this.#text = lines.pop() ?? ''
    if (this.#text.length > longestLine) return this.#giveUp('never ends its line')
    for (const line of lines) {
      if (line.trim() === '') continue
      const answer = parsed(Buffer.from(line, 'latin1').toString('utf8'))
      if (answer === undefined) return this.#giveUp(`says ${JSON.stringify(line.slice(0, 100))}`)
      // A question that nobody waits for any more is no mistake of the program's.
      this.#unanswered = 0
      this.#pauseMs = firstPauseMs
      this.#waiting.get(answer.id)?.answered(answer.rest)
    }
  }

  #giveUp(why: string): void {
    const running = this.#running
    this.#running = undefined
    this.#drained?.()
    this.#failAll(why)
    running?.stop()
    this.#again(why)
  }

  #failAll(why: string): void {
    for (const each of this.#waiting.values()) each.failed(failure(`${this.#name} ${why}`))
    this.#waiting.clear()
  }
}

function failure(detail: string): PosternError {
  return new PosternError('PROGRAM_FAILED', detail)
}

function parsed(line: string): { readonly id: number; readonly rest: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('id' in value)) return undefined
    const { id, ...rest } = value
    return typeof id === 'number' ? { id, rest } : undefined
  } catch {
    return undefined
  }
}

import type { ProgramCall, RunningProgram, RunningProgramHandlers } from '../runtime/programs.ts'

/** A program that stays, from its own side. */
export interface FakeTalk {
  readonly call: ProgramCall
  /** Calls back with each line that it is told, without its end. */
  onLine(listener: (line: string) => void): void
  say(text: string): void
  complain(text: string): void
  /** It ends by itself. */
  exit(code: number): void
  /** Whether it was told to stop. */
  readonly stopped: boolean
}

export type FakeTalker = (talk: FakeTalk) => void

/** Starts it. What either side says arrives later, in order, as between processes. */
export function startTalker(call: ProgramCall, talker: FakeTalker, pid: number): RunningProgram {
  let handlers: RunningProgramHandlers | undefined
  let listener: ((line: string) => void) | undefined
  let text = ''
  let stopped = false
  let over = false
  const later = (happens: () => void): void => void setImmediate(happens)
  const end = (result: Parameters<RunningProgramHandlers['ended']>[0]): void => {
    if (over) return
    over = true
    later(() => handlers?.ended(result))
  }
  talker({
    call,
    onLine: (heard) => void (listener = heard),
    say: (words) => later(() => handlers?.output(Buffer.from(words))),
    complain: (words) => later(() => handlers?.complaint(Buffer.from(words))),
    exit: (code) => end({ exit: code }),
    get stopped() {
      return stopped
    },
  })
  return {
    pid,
    write(data) {
      if (over) return true
      later(() => {
        text += Buffer.from(data).toString()
        const lines = text.split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) listener?.(line)
      })
      return true
    },
    endInput: () => undefined,
    attach: (given) => void (handlers = given),
    stop() {
      stopped = true
      end({ signal: 'SIGTERM' })
    },
  }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import type { Readable } from 'node:stream'
import { errorMessage, PosternError } from '../../mail/errors.ts'
import type { Clock, Timer } from '../clock.ts'
import type { ProgramCall, ProgramEnd, ProgramStream } from '../programs.ts'

/** Between SIGTERM and SIGKILL, where the call says nothing. */
const usualGraceMs = 2000
/** What waits for the end gives up after six seconds. */
const mostGraceMs = 5000

export interface Wiring {
  /** What each descriptor of the child is: a pipe to us, or a descriptor of ours. All others are /dev/null or closed. */
  readonly ends: ReadonlyMap<number, 'pipe' | number>
  /** Of which pipes what it writes is read from the beginning, and how much of it is kept, in bytes. */
  readonly kept: ReadonlyMap<number, number>
  /** Of which it goes on to somebody as it comes. */
  readonly streams?: ReadonlyMap<number, ProgramStream>
}

export interface Kept {
  readonly bytes: Uint8Array
  readonly overflowed: boolean
}

/** A child process of ours, the leader of a process group, and what it started. */
export class ProcessGroup {
  readonly child: ChildProcess
  readonly ended: Promise<ProgramEnd>
  /** Each settles when its pipe is at its end, or destroyed. */
  readonly kept: ReadonlyMap<number, Promise<Kept>>
  /** Settles when all that went on as it came has been taken, or its pipe is destroyed. */
  readonly passedOn: Promise<unknown>
  #passing = 0
  readonly #clock: Clock
  readonly #graceMs: number
  #kill: Timer | undefined

  /** Listens before anything is waited for: the child may be over at once. */
  private constructor(
    child: ChildProcess,
    { kept, streams = new Map() }: Pick<Wiring, 'kept' | 'streams'>,
    { clock, graceMs }: { readonly clock: Clock; readonly graceMs: number },
  ) {
    this.child = child
    this.#clock = clock
    this.#graceMs = graceMs
    const { promise, resolve } = Promise.withResolvers<ProgramEnd>()
    child.once('exit', (exit, signal) => {
      resolve(exit === null ? { signal: signal ?? 'SIGKILL' } : { exit })
    })
    this.ended = promise
    // A pipe whose other end is gone is no fault of ours, at no time.
    for (const stream of child.stdio) stream?.on('error', () => undefined)
    this.kept = new Map(
      [...kept].map(([descriptor, most]) => [descriptor, keep(child, descriptor, most)]),
    )
    this.passedOn = Promise.all(
      [...streams].map(([descriptor, take]) => this.#passOn(child.stdio[descriptor], take)),
    )
  }

  /** Whoever takes what it has written is still busy with it. */
  get isHeldUp(): boolean {
    return this.#passing > 0
  }

  /** @throws PosternError PROGRAM_FAILED */
  static async start(
    call: ProgramCall,
    { ends, kept, streams }: Wiring,
    clock: Clock,
  ): Promise<ProcessGroup> {
    const [program, ...args] = limited(call)
    const graceMs = Math.min(call.graceMs ?? usualGraceMs, mostGraceMs)
    const length = Math.max(2, ...ends.keys()) + 1
    try {
      const child = spawn(program, args, {
        cwd: call.folder ?? '/',
        env: Object.fromEntries(call.environment),
        detached: true,
        ...call.as,
        stdio: Array.from({ length }, (_, descriptor) => ends.get(descriptor) ?? 'ignore'),
      })
      const group = new ProcessGroup(
        child,
        { kept, ...(streams && { streams }) },
        { clock, graceMs },
      )
      await once(child, 'spawn')
      return group
    } catch (error) {
      const why = errorMessage(error)
      throw new PosternError('PROGRAM_FAILED', why, { cause: error })
    }
  }

  /** Also of what outlives its leader: a group exists as long as one is in it, and its number is not used anew. */
  stop(): void {
    if (!this.#signal('SIGTERM') || this.#kill !== undefined) return
    this.#kill = this.#clock.after(this.#graceMs, () => this.#signal('SIGKILL'))
  }

  destroyPipes(): void {
    for (const stream of this.child.stdio) stream?.destroy()
  }

  async #passOn(stream: ChildProcess['stdio'][number], take: ProgramStream): Promise<void> {
    try {
      for await (const chunk of stream as Readable) {
        this.#passing += 1
        try {
          await take(chunk as Buffer)
        } finally {
          this.#passing -= 1
        }
      }
    } catch {
      // Destroyed, or nobody takes it any more: the end of the program says how it went.
      stream?.destroy()
    }
  }

  /** @returns whether anybody was there to get it */
  #signal(signal: 'SIGTERM' | 'SIGKILL'): boolean {
    try {
      return process.kill(-(this.child.pid ?? 0), signal)
    } catch {
      return false
    }
  }
}

/** Node sets no limits: a shell does, and is the program then. Where it may not, a lower one holds already. */
function limited({
  command,
  memoryBytes,
  mostProcesses,
}: Pick<ProgramCall, 'command' | 'memoryBytes' | 'mostProcesses'>): ProgramCall['command'] {
  const limits: string[] = []
  if (memoryBytes !== undefined) limits.push(`ulimit -d ${Math.ceil(memoryBytes / 1024)}`)
  // Shells do not agree on its letter: bash has u, dash p.
  if (mostProcesses !== undefined)
    limits.push(`ulimit -u ${mostProcesses} || ulimit -p ${mostProcesses}`)
  if (limits.length === 0) return command
  return ['/bin/sh', '-c', `{ ${limits.join('; ')}; } 2>/dev/null; exec "$@"`, 'sh', ...command]
}

function keep(child: ChildProcess, descriptor: number, most: number): Promise<Kept> {
  const stream = child.stdio[descriptor] as Readable
  const { promise, resolve } = Promise.withResolvers<Kept>()
  const chunks: Buffer[] = []
  let size = 0
  let overflowed = false
  stream.on('data', (chunk: Buffer) => {
    const taken = chunk.subarray(0, Math.max(0, most - size))
    overflowed ||= taken.length < chunk.length
    size += taken.length
    if (taken.length > 0) chunks.push(taken)
  })
  stream.once('close', () => resolve({ bytes: Buffer.concat(chunks), overflowed }))
  return promise
}

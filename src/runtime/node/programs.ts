/** Programs as child processes of ours, each the leader of a process group. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { Readable, type Writable } from 'node:stream'
import { PosternError } from '../../mail/errors.ts'
import type { Clock, Timer } from '../clock.ts'
import type {
  ProgramCall,
  ProgramEnd,
  ProgramInput,
  ProgramResult,
  Programs,
  RunningProgram,
  RunningProgramHandlers,
} from '../programs.ts'

/** Between SIGTERM and SIGKILL. */
const graceMs = 2000
/** Descriptors that a call may name. */
const highestDescriptor = 9

export function nodePrograms(clock: Clock): Programs {
  return {
    run: (call, signal) => run(call, { clock, signal }),
    start: (call) => start(call, clock),
  }
}

interface Circumstances {
  readonly clock: Clock
  readonly signal: AbortSignal
}

async function run(call: ProgramCall, { clock, signal }: Circumstances): Promise<ProgramResult> {
  if (signal.aborted) throw new PosternError('ABORTED', call.command[0])
  const inputs = new Map<number, ProgramInput>([[0, new Uint8Array()], ...(call.inputs ?? [])])
  const outputs = outputsOf(call, inputs)
  const child = await spawned(call, [...inputs.keys(), ...outputs.keys()])
  const group = new ProcessGroup(child, clock)
  const stop = (): void => group.stop()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const kept = [...outputs].map(([descriptor, most]) => keep(child, descriptor, most))
    const fed = Promise.all(
      [...inputs].map(([descriptor, input]) => feed(child, descriptor, input)),
    )
    // Input that fails must not leave the program waiting for the rest of it.
    fed.catch(stop)
    const end = await group.ended
    if (signal.aborted) throw new PosternError('ABORTED', call.command[0])
    // What it left behind may hold the pipes open. It ends too; what has left the group is not waited for.
    group.stop()
    const late = clock.after(graceMs, () => destroyPipes(child))
    await fed
    const result = resultOf(end, await Promise.all(kept), call)
    late.cancel()
    return result
  } finally {
    signal.removeEventListener('abort', stop)
    destroyPipes(child)
  }
}

/** A descriptor that is read from is not written to as well: qmail-queue has its envelope on 1. */
function outputsOf(
  { outputs = new Map() }: ProgramCall,
  inputs: ReadonlyMap<number, ProgramInput>,
): ReadonlyMap<number, number> {
  const unheard = [1, 2].filter((descriptor) => !inputs.has(descriptor))
  return new Map([...unheard.map((each): [number, number] => [each, 0]), ...outputs])
}

function destroyPipes(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.destroy()
}

function resultOf(end: ProgramEnd, kept: readonly Kept[], call: ProgramCall): ProgramResult {
  const asked = kept.filter(({ descriptor }) => call.outputs?.has(descriptor) === true)
  return {
    end,
    outputs: new Map(asked.map(({ descriptor, bytes }) => [descriptor, bytes])),
    overflowed: new Set(
      asked.filter(({ overflowed }) => overflowed).map(({ descriptor }) => descriptor),
    ),
  }
}

/** @throws PosternError PROGRAM_FAILED */
async function spawned(call: ProgramCall, descriptors: readonly number[]): Promise<ChildProcess> {
  const [program, ...args] = call.command
  const wanted = new Set(descriptors)
  if (Math.max(...wanted) > highestDescriptor) throw new RangeError('a descriptor above 9')
  const length = Math.max(...wanted) + 1
  try {
    const child = spawn(program, args, {
      cwd: call.folder ?? '/',
      env: Object.fromEntries(call.environment),
      detached: true,
      stdio: Array.from({ length }, (_, index) => (wanted.has(index) ? 'pipe' : 'ignore')),
    })
    // A pipe whose other end is gone is no fault of ours, at no time.
    for (const stream of child.stdio) stream?.on('error', () => undefined)
    await once(child, 'spawn')
    return child
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new PosternError('PROGRAM_FAILED', why, { cause: error })
  }
}

/** A child, and what it started. */
class ProcessGroup {
  readonly #child: ChildProcess
  readonly #clock: Clock
  readonly ended: Promise<ProgramEnd>
  #kill: Timer | undefined

  constructor(child: ChildProcess, clock: Clock) {
    this.#child = child
    this.#clock = clock
    const { promise, resolve } = Promise.withResolvers<ProgramEnd>()
    child.once('exit', (exit, signal) => {
      resolve(exit === null ? { signal: signal ?? 'SIGKILL' } : { exit })
    })
    this.ended = promise
  }

  /** Also of what outlives its leader: a group exists as long as one is in it, and its number is not used anew. */
  stop(): void {
    if (!this.#signal('SIGTERM') || this.#kill !== undefined) return
    this.#kill = this.#clock.after(graceMs, () => this.#signal('SIGKILL'))
  }

  /** @returns whether anybody was there to get it */
  #signal(signal: 'SIGTERM' | 'SIGKILL'): boolean {
    try {
      return process.kill(-(this.#child.pid ?? 0), signal)
    } catch {
      return false
    }
  }
}

interface Kept {
  readonly descriptor: number
  readonly bytes: Uint8Array
  readonly overflowed: boolean
}

/** Reads to the end, or until the stream is destroyed; keeps `most` bytes. */
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
  stream.once('close', () => resolve({ descriptor, bytes: Buffer.concat(chunks), overflowed }))
  return promise
}

/** Ends early, and well, where the program reads no further. @throws PosternError PROGRAM_FAILED for input that fails */
async function feed(child: ChildProcess, descriptor: number, input: ProgramInput): Promise<void> {
  const stream = child.stdio[descriptor] as Writable
  const source = input instanceof Uint8Array ? Readable.from([input]) : input
  try {
    for await (const chunk of source) {
      if (stream.destroyed) return
      if (!stream.write(chunk)) await room(stream)
    }
  } catch (error) {
    throw new PosternError('PROGRAM_FAILED', `its input: ${String(error)}`, { cause: error })
  } finally {
    stream.end()
  }
}

function room(stream: Writable): Promise<void> {
  if (stream.destroyed) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => {
    stream.off('drain', done)
    stream.off('close', done)
    resolve()
  }
  stream.on('drain', done)
  stream.on('close', done)
  return promise
}

async function start(call: ProgramCall, clock: Clock): Promise<RunningProgram> {
  const child = await spawned(call, [0, 1, 2])
  const group = new ProcessGroup(child, clock)
  const { stdin, stdout, stderr } = child
  return {
    pid: child.pid ?? 0,
    write: (data) => stdin?.write(data) ?? false,
    endInput: () => stdin?.end(),
    stop: () => group.stop(),
    attach(handlers: RunningProgramHandlers) {
      stdout?.on('data', (chunk: Buffer) => handlers.output(chunk))
      stderr?.on('data', (chunk: Buffer) => handlers.complaint(chunk))
      stdin?.on('drain', () => handlers.drained())
      void group.ended.then((end) => handlers.ended(end))
    },
  }
}

/** Programs as child processes of ours, each the leader of a process group. */
import { access, constants, stat, type FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { PosternError } from '../../mail/errors.ts'
import type { Clock } from '../clock.ts'
import type {
  ProgramCall,
  ProgramInput,
  ProgramResult,
  Programs,
  RunningProgram,
  RunningProgramHandlers,
} from '../programs.ts'
import { feed, inputFailed } from './feed.ts'
import { namelessFile } from './nameless-file.ts'
import { ProcessGroup, type Kept } from './process-group.ts'

/** So long what a program left behind may hold its pipes open. */
const leftoversMs = 2000
/** After SIGTERM and SIGKILL nothing of a program should be left. */
const abandonMs = 6000

export function nodePrograms(clock: Clock): Programs {
  return {
    canStart: async (path) => {
      try {
        await access(path, constants.X_OK)
        return (await stat(path)).isFile()
      } catch {
        // Whatever keeps us from it keeps us from starting it.
        return false
      }
    },
    run: (call, signal) => run(call, { clock, signal }),
    start: (call) => start(call, clock),
  }
}

interface Circumstances {
  readonly clock: Clock
  readonly signal: AbortSignal
}

type Inputs = ReadonlyMap<number, ProgramInput>

async function run(call: ProgramCall, { clock, signal }: Circumstances): Promise<ProgramResult> {
  if (signal.aborted) throw new PosternError('ABORTED', call.command[0])
  const inputs: Inputs = new Map([[0, new Uint8Array()], ...(call.inputs ?? [])])
  const group = await started(call, { inputs, clock })
  const givenUp = Promise.withResolvers<never>()
  givenUp.promise.catch(() => undefined)
  const stop = (): void => {
    group.stop()
    if (!signal.aborted) return
    // One that we may not end, such as a process of root's, is not waited for.
    clock.after(abandonMs, () => givenUp.reject(new PosternError('ABORTED', call.command[0])))
  }
  let cancelLate = (): void => undefined
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const fed = feedAll(group, inputs)
    // Input that fails must not leave the program waiting for the rest of it.
    fed.catch(stop)
    const end = await Promise.race([group.ended, givenUp.promise])
    if (signal.aborted) throw new PosternError('ABORTED', call.command[0])
    // What it left behind may hold the pipes open; what has left the group is not waited for once the rest is ended.
    cancelLate =
      call.lingerMs === undefined
        ? endLeftovers(group, clock)
        : afterLingering(group, { clock, signal, lingerMs: call.lingerMs })
    await fed
    const outputs = await keptOf(group, call)
    // Whoever takes what it wrote may be busy for longer than the asker waits.
    await Promise.race([group.passedOn, givenUp.promise])
    return { pid: group.child.pid ?? 0, end, ...outputs }
  } finally {
    cancelLate()
    signal.removeEventListener('abort', stop)
    group.destroyPipes()
  }
}

/** @returns what calls it off: by then the pipes are closed, and nobody is ended who did not hold them */
function afterLingering(
  group: ProcessGroup,
  { clock, signal, lingerMs }: Circumstances & { readonly lingerMs: number },
): () => void {
  let cancelEnding = (): void => undefined
  const timer = clock.after(lingerMs, () => (cancelEnding = endLeftovers(group, clock)))
  // How the program itself went is known: whoever is to end now does not wait for what has left its group.
  const abort = (): void => group.destroyPipes()
  signal.addEventListener('abort', abort, { once: true })
  return () => {
    timer.cancel()
    cancelEnding()
    signal.removeEventListener('abort', abort)
  }
}

/** Who still holds the pipes then is cut off, unless we ourselves have not yet taken what is in them. */
function endLeftovers(group: ProcessGroup, clock: Clock): () => void {
  group.stop()
  let timer = clock.after(leftoversMs, late)
  function late(): void {
    if (group.isHeldUp) timer = clock.after(leftoversMs, late)
    else group.destroyPipes()
  }
  return () => timer.cancel()
}

async function keptOf(
  group: ProcessGroup,
  { outputs = new Map() }: ProgramCall,
): Promise<Pick<ProgramResult, 'outputs' | 'overflowed'>> {
  const kept: (readonly [number, Kept])[] = []
  for (const [descriptor, promise] of group.kept) {
    // oxlint-disable-next-line no-await-in-loop -- they come to their ends by themselves
    const what = await promise
    if (outputs.has(descriptor)) kept.push([descriptor, what])
  }
  return {
    outputs: new Map(kept.map(([descriptor, { bytes }]) => [descriptor, bytes])),
    overflowed: new Set(kept.flatMap(([each, { overflowed }]) => (overflowed ? [each] : []))),
  }
}

/** A descriptor that is read from is not written to as well: qmail-queue has its envelope on 1. */
function outputsOf(
  { outputs = new Map(), streams = new Map() }: ProgramCall,
  inputs: Inputs,
): Map<number, number> {
  const unheard = [1, 2].filter((each) => !inputs.has(each) && !streams.has(each))
  return new Map([...unheard.map((each): [number, number] => [each, 0]), ...outputs])
}

interface Starting {
  readonly inputs: Inputs
  readonly clock: Clock
}

/** Writes what it reads as files beforehand. @throws PosternError PROGRAM_FAILED */
async function started(call: ProgramCall, { inputs, clock }: Starting): Promise<ProcessGroup> {
  const kept = outputsOf(call, inputs)
  const files: FileHandle[] = []
  const ends = new Map<number, 'pipe' | number>()
  for (const descriptor of kept.keys()) ends.set(descriptor, 'pipe')
  const { streams } = call
  for (const descriptor of streams?.keys() ?? []) ends.set(descriptor, 'pipe')
  try {
    for (const [descriptor, input] of inputs) {
      if ('file' in input) {
        // oxlint-disable-next-line no-await-in-loop -- one file is the most that anybody wants
        const file = await stagedInput(input.file)
        files.push(file)
        ends.set(descriptor, file.fd)
      } else ends.set(descriptor, 'pipe')
    }
    return await ProcessGroup.start(call, { ends, kept, ...(streams && { streams }) }, clock)
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

/** @throws PosternError PROGRAM_FAILED */
async function stagedInput(content: AsyncIterable<Uint8Array>): Promise<FileHandle> {
  try {
    return await namelessFile(content)
  } catch (error) {
    throw inputFailed(error)
  }
}

/** @throws PosternError PROGRAM_FAILED for input that fails */
async function feedAll({ child }: ProcessGroup, inputs: Inputs): Promise<void> {
  await Promise.all(
    [...inputs].map(async ([descriptor, input]) => {
      if (!('file' in input)) await feed(child.stdio[descriptor] as Writable, input)
    }),
  )
}

async function start(call: ProgramCall, clock: Clock): Promise<RunningProgram> {
  const ends = new Map([0, 1, 2].map((descriptor) => [descriptor, 'pipe' as const]))
  const group = await ProcessGroup.start(call, { ends, kept: new Map() }, clock)
  const { pid = 0, stdin, stdout, stderr } = group.child
  return {
    pid,
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

import { PosternError } from '../mail/errors.ts'
import { abortable } from '../runtime/abortable.ts'
import type { ProgramCall, ProgramResult, Programs } from '../runtime/programs.ts'
import { startTalker, type FakeTalker } from './fake-talker.ts'

/** What a fake program is given: its call, with all of its input. */
export interface FakeCall extends ProgramCall {
  readonly read: ReadonlyMap<number, Uint8Array>
}

/** What it does with it: an exit code, what it writes, or nothing for ever. */
export interface FakeEnd {
  readonly exit?: number
  readonly signal?: string
  readonly writes?: Readonly<Record<number, string | Uint8Array>>
}

export type FakeProgram = (call: FakeCall) => FakeEnd | 'hangs'

export interface FakePrograms extends Programs {
  /** Every call, in order. */
  readonly calls: readonly FakeCall[]
}

/** Programs of the test's own making, by their paths; any other cannot be started. `talkers` are those that stay. */
export function fakePrograms(
  programs: Readonly<Record<string, FakeProgram>> = {},
  talkers: Readonly<Record<string, FakeTalker>> = {},
): FakePrograms {
  const known = new Map(Object.entries(programs))
  const talking = new Map(Object.entries(talkers))
  let pid = 1000
  const calls: FakeCall[] = []
  const missing = (name: string): PosternError =>
    new PosternError('PROGRAM_FAILED', `spawn ${name} ENOENT`)
  return {
    calls,
    canStart: async (path) => known.has(path),
    async run(call, signal) {
      const [name] = call.command
      const program = known.get(name)
      if (program === undefined) throw missing(name)
      const asked = { ...call, read: await readAll(call) }
      calls.push(asked)
      const end = program(asked)
      if (end !== 'hangs') {
        for (const [descriptor, take] of call.streams ?? []) {
          // oxlint-disable-next-line no-await-in-loop -- one after the other, as a program writes
          await take(Buffer.from(end.writes?.[descriptor] ?? ''))
        }
        return resultOf(end, call)
      }
      return abortable(new Promise<never>(() => undefined), signal, name)
    },
    async start(call) {
      const [name] = call.command
      const talker = talking.get(name)
      if (talker === undefined) throw missing(name)
      return startTalker(call, talker, ++pid)
    },
  }
}

async function readAll({ inputs = new Map() }: ProgramCall): Promise<Map<number, Uint8Array>> {
  const read = await Promise.all(
    [...inputs].map(async ([descriptor, input]): Promise<[number, Uint8Array]> => {
      if (input instanceof Uint8Array) return [descriptor, input]
      return [
        descriptor,
        Buffer.concat(await Array.fromAsync<Uint8Array>('file' in input ? input.file : input)),
      ]
    }),
  )
  return new Map(read)
}

function resultOf({ exit = 0, signal, writes = {} }: FakeEnd, call: ProgramCall): ProgramResult {
  const outputs = new Map<number, Uint8Array>()
  const overflowed = new Set<number>()
  for (const [descriptor, most] of call.outputs ?? []) {
    const written = Buffer.from(writes[descriptor] ?? '')
    outputs.set(descriptor, written.subarray(0, most))
    if (written.length > most) overflowed.add(descriptor)
  }
  return { pid: 1, end: signal === undefined ? { exit } : { signal }, outputs, overflowed }
}

import { spawn, type ChildProcess } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import type { Foreground, ForegroundInput, NotStarted } from '../foreground.ts'
import type { ProgramEnd } from '../programs.ts'
import { feed } from './feed.ts'
import { errnoOf } from './made-file.ts'
import { namelessFile } from './nameless-file.ts'

export const nodeForeground: Foreground = { run }

async function run(
  command: readonly [program: string, ...args: string[]],
  input: ForegroundInput,
): Promise<ProgramEnd | NotStarted> {
  if (typeof input === 'object' && 'file' in input) {
    const file = await namelessFile(input.file)
    try {
      return await ended(command, file)
    } finally {
      await file.close()
    }
  }
  return ended(command, input)
}

type Input = Exclude<ForegroundInput, { readonly file: unknown }> | FileHandle

async function ended(
  [program, ...args]: readonly [program: string, ...args: string[]],
  input: Input,
): Promise<ProgramEnd | NotStarted> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd | NotStarted>()
  let child: ChildProcess
  try {
    child = spawn(program, args, { stdio: [standardInput(input), 'inherit', 'inherit'] })
  } catch (error) {
    return { errno: errnoOf(error) }
  }
  child.once('error', (error) => resolve({ errno: errnoOf(error) }))
  child.once('exit', (exit, signal) => {
    resolve(exit === null ? { signal: signal ?? 'SIGKILL' } : { exit })
  })
  const started = child.pid !== undefined
  if (child.stdin !== null) {
    // A program that reads no further is no fault of ours.
    child.stdin.on('error', () => undefined)
    if (started && input !== 'ours' && !('fd' in input)) await feed(child.stdin, input)
  }
  return promise
}

function standardInput(input: Input): 'inherit' | 'pipe' | number {
  if (input === 'ours') return 'inherit'
  return 'fd' in input ? input.fd : 'pipe'
}

import { Readable, type Writable } from 'node:stream'
import { PosternError } from '../../mail/errors.ts'
import type { ProgramInput } from '../programs.ts'

/** What goes through a pipe. */
export type PipeInput = Exclude<ProgramInput, { readonly file: unknown }>

/** Ends early, and well, where the program reads no further. @throws PosternError PROGRAM_FAILED for input that fails */
export async function feed(stream: Writable, input: PipeInput): Promise<void> {
  try {
    for await (const chunk of input instanceof Uint8Array ? Readable.from([input]) : input) {
      if (stream.destroyed) return
      if (!stream.write(chunk)) await room(stream)
    }
  } catch (error) {
    throw inputFailed(error)
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

export function inputFailed(error: unknown): PosternError {
  return new PosternError('PROGRAM_FAILED', `its input: ${String(error)}`, { cause: error })
}

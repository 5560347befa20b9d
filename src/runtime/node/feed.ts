import { Readable, type Writable } from 'node:stream'
import { PosternError } from '../../mail/errors.ts'
import type { ProgramInput } from '../programs.ts'

/** What goes through a pipe. */
export type PipeInput = Exclude<ProgramInput, { readonly file: unknown }>

/** Ends early, and well, where the program reads no further, or is over. @throws PosternError PROGRAM_FAILED for input that fails */
export async function feed(stream: Writable, input: PipeInput): Promise<void> {
  const source = input instanceof Uint8Array ? Readable.from([input]) : input
  const chunks = source[Symbol.asyncIterator]()
  // Whoever talks with it may have nothing to say for long.
  const over = new Promise<undefined>((resolve) => stream.once('close', () => resolve(undefined)))
  try {
    for (;;) {
      const next = stream.destroyed ? undefined : await Promise.race([chunks.next(), over])
      if (next === undefined) return void chunks.return?.()?.catch(() => undefined)
      if (next.done === true) return
      if (!stream.write(next.value)) await room(stream)
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

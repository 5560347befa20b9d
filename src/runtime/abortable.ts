import { PosternError } from '../mail/errors.ts'

/** The asker stops waiting when the signal fires; the work itself goes on. @throws PosternError ABORTED then */
export function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<T> {
  if (signal === undefined) return work
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const abort = (): void => reject(new PosternError('ABORTED', what))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  return promise
}

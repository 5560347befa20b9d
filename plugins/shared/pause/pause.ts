/** Making a client wait. */
import type { Clock } from 'postern/plugin'

/** Until it is over, or nobody waits any more: the client is gone, or the hook's time is up. */
export function pause(
  delayMs: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = clock.after(delayMs, resolve)
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => timer.cancel())
}

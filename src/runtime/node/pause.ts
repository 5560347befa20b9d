import { setTimeout as wait } from 'node:timers/promises'

/** For commands that watch: waits, and keeps the process alive meanwhile. Resolves early when the signal fires. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await wait(delayMs, undefined, { signal }).catch(() => undefined)
}

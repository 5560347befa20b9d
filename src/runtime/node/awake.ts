import { setTimeout as delay } from 'node:timers/promises'

/** Waits, and keeps the process alive meanwhile, as the timers of the clock do not: for commands that have nothing else open. */
export async function stayAwake(durationMs: number): Promise<void> {
  await delay(durationMs)
}

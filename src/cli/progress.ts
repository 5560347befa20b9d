/** How far something is that takes long: a bar, or a count, in one line of the terminal; nothing where there is none. */
import type { Clock } from '../runtime/clock.ts'
import { systemClock } from '../runtime/node/clock.ts'

/** Such as `process.stderr`: what is printed for programs stays clean. */
export interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** To be told how many are done, and of how many where that is known. */
export type Told = (done: number, all?: number) => void

/** Who is quick shows nothing; then a few times a second are enough. */
const patienceMs = 500
const againMs = 100
const width = 30

/**
 * Does the work, and shows how far it is. The line is gone when the work is over, however it ends.
 * @param what in one word or two
 */
export async function withProgress<T>(
  what: string,
  work: (told: Told) => Promise<T>,
  terminal: Terminal = process.stderr,
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): Promise<T> {
  if (terminal.isTTY !== true) return work(() => undefined)
  let nextMs = clock.monotonicMs() + patienceMs
  let isShown = false
  const told: Told = (done, all) => {
    const nowMs = clock.monotonicMs()
    if (nowMs < nextMs) return
    nextMs = nowMs + againMs
    isShown = true
    terminal.write(`\r${bar(what, done, all)}\u001B[K`)
  }
  try {
    return await work(told)
  } finally {
    if (isShown) terminal.write('\r\u001B[K')
  }
}

function bar(what: string, done: number, all: number | undefined): string {
  if (all === undefined) return `${what} ${done}`
  const share = all > 0 ? Math.min(1, Math.max(0, done / all)) : 0
  const full = Math.round(share * width)
  const drawn = '#'.repeat(full).padEnd(width, '.')
  return `${what} [${drawn}] ${Math.floor(share * 100)}% ${done}/${all}`
}

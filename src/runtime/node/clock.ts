import type { Clock } from '../clock.ts'

export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
})

/** For what a command cannot do without: whoever waits by it keeps the process alive. */
export const holdingClock: Pick<Clock, 'after'> = Object.freeze({
  after(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
})

/** The browser's clock. */

export function nowMs(): number {
  return Date.now()
}

/** @returns a function that stops it */
export function every(periodMs: number, call: () => void): () => void {
  const timer = setInterval(call, periodMs)
  return () => clearInterval(timer)
}

/** @returns a function that calls it off */
export function after(delayMs: number, call: () => void): () => void {
  const timer = setTimeout(call, delayMs)
  return () => clearTimeout(timer)
}

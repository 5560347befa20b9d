import type { Look } from './outcomes.ts'

const soonMs = 21 * 86_400_000

/** Whether a certificate holds, and for how long still. */
export function certificateState(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  nowMs: number,
): Look {
  if (nowMs > notAfter) return { word: 'expired', tone: 'bad', icon: 'cross' }
  if (nowMs < notBefore) return { word: 'not valid yet', tone: 'bad', icon: 'cross' }
  return notAfter - nowMs < soonMs
    ? { word: 'expires soon', tone: 'wait', icon: 'clock' }
    : { word: 'valid', tone: 'good', icon: 'check' }
}

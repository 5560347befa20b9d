/** TAI64N labels as daemontools writes them: `@`, 16 hexadecimal digits of seconds, 8 of nanoseconds. */

/** Label zero is 2^62; daemontools takes TAI to be ten seconds ahead of Unix time, leap seconds or not. */
const UNIX_EPOCH = 2n ** 62n + 10n
const LABEL = /^@([0-9a-f]{16})([0-9a-f]{8})$/

export interface Tai64nInstant {
  /** Whole milliseconds since the Unix epoch. */
  readonly epochMs: number
  /** What is left of that millisecond: 0 to 999,999. */
  readonly nanoseconds: number
}

/** @param epochMs whole milliseconds; @param nanoseconds 0 to 999,999 within that millisecond */
export function formatTai64n(epochMs: number, nanoseconds = 0): string {
  const seconds = Math.floor(epochMs / 1000)
  const nanos = (epochMs - seconds * 1000) * 1_000_000 + nanoseconds
  const label = (UNIX_EPOCH + BigInt(seconds)).toString(16).padStart(16, '0')
  return `@${label}${nanos.toString(16).padStart(8, '0')}`
}

/** The instant of a label, or undefined where it is not one (or lies beyond what a number holds exactly). */
export function parseTai64n(label: string): Tai64nInstant | undefined {
  const [, secondsHex, nanosHex] = LABEL.exec(label) ?? []
  if (secondsHex === undefined || nanosHex === undefined) return undefined
  const nanos = Number.parseInt(nanosHex, 16)
  const wholeMs = Math.floor(nanos / 1_000_000)
  const epochMs = Number(BigInt(`0x${secondsHex}`) - UNIX_EPOCH) * 1000 + wholeMs
  if (nanos > 999_999_999 || !Number.isSafeInteger(epochMs)) return undefined
  return { epochMs, nanoseconds: nanos - wholeMs * 1_000_000 }
}

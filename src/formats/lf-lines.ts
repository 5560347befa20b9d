const lf = 0x0a
const cr = 0x0d

/**
 * A message with CRLF line ends, as files on this host have it: LF. Only the pair is changed, a CR that
 * stands alone stays; nothing is held back but a CR at the end of a chunk.
 */
export async function* lfLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let held = false
  for await (const chunk of chunks) {
    const out = Buffer.allocUnsafe(chunk.length + 1)
    let length = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (held && byte !== lf) out[length++] = cr
      held = byte === cr
      if (!held) out[length++] = byte
    }
    if (length > 0) yield out.subarray(0, length)
  }
  if (held) yield Buffer.of(cr)
}

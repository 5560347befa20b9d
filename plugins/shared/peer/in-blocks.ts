/** Joins what is said in pieces: each write is a call of the system, which costs more than to copy a little. */

/** A message of usual size goes out whole. */
const blockBytes = 65_536

/** The same bytes in blocks; a piece that is large enough by itself is handed on as it is. */
export async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    if (bytes > 0 && bytes + piece.length > blockBytes) {
      yield joined(waiting)
      waiting = []
      bytes = 0
    }
    waiting.push(piece)
    bytes += piece.length
  }
  if (bytes > 0) yield joined(waiting)
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first, second] = pieces
  return first !== undefined && second === undefined ? first : Buffer.concat(pieces)
}

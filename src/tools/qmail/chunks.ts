/** These bytes, as what is read piece by piece. */
export async function* chunksOf(...parts: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield part
}

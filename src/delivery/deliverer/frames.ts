/**
 * What goes over the socket between the gateway and the deliverer, one connection for each request:
 *
 * | at | bytes |                                   |
 * | 0  | 1     | kind                              |
 * | 1  | 4     | length of the payload, big-endian |
 * | 5  |       | the payload, at most 64 KB        |
 *
 * The gateway sends one `request` (requests.ts), and with a delivery the `message` in pieces and its `end`. The deliverer
 * sends pieces of `text` and of `forward`, then one `answer`. A connection that closes before the answer is a delivery
 * that did not happen, or of which nobody knows: it is tried again. One that closes before the delivery is over calls it off.
 */

export type FrameKind = 'request' | 'message' | 'end' | 'text' | 'forward' | 'answer'

export interface Frame {
  readonly kind: FrameKind
  readonly payload: Uint8Array
}

export const mostFrameBytes = 64 << 10
const headBytes = 5

const letters: Readonly<Record<FrameKind, string>> = {
  request: 'Q',
  message: 'M',
  end: 'E',
  text: 'T',
  forward: 'F',
  answer: 'A',
}
const kinds: ReadonlyMap<number, FrameKind> = new Map(
  (Object.keys(letters) as FrameKind[]).map((kind) => [letters[kind].charCodeAt(0), kind]),
)

/** @param payload at most 64 KB: see `pieces` */
export function formatFrame(kind: FrameKind, payload: Uint8Array = new Uint8Array()): Buffer {
  if (payload.length > mostFrameBytes) throw new RangeError(`${payload.length} bytes in a frame`)
  const frame = Buffer.alloc(headBytes + payload.length)
  frame.write(letters[kind], 0, 'latin1')
  frame.writeUInt32BE(payload.length, 1)
  frame.set(payload, headBytes)
  return frame
}

export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += mostFrameBytes) {
    yield bytes.subarray(at, at + mostFrameBytes)
  }
}

/** Gathers bytes until frames are whole; holds less than one frame. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /** @returns the frames that are whole now; undefined for what is none, after which there is nothing to be understood */
  read(chunk: Uint8Array): readonly Frame[] | undefined {
    let rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    while (rest.length >= headBytes) {
      const kind = kinds.get(rest.readUInt8(0))
      const length = rest.readUInt32BE(1)
      if (kind === undefined || length > mostFrameBytes) return undefined
      if (rest.length < headBytes + length) break
      frames.push({ kind, payload: rest.subarray(headBytes, headBytes + length) })
      rest = rest.subarray(headBytes + length)
    }
    this.#rest = Buffer.from(rest)
    return frames
  }
}

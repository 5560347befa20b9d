/** The milter protocol's packets (version 6): a length, a letter, data; texts end in NUL. */
import type { Peer } from '../shared/peer/peer.ts'

/** What we say. */
export const commands = {
  negotiate: 'O',
  macros: 'D',
  connect: 'C',
  hello: 'H',
  mail: 'M',
  rcpt: 'R',
  data: 'T',
  header: 'L',
  endOfHeader: 'N',
  body: 'B',
  endOfMessage: 'E',
  abort: 'A',
  quit: 'Q',
} as const
export type Command = (typeof commands)[keyof typeof commands]

export interface Packet {
  readonly letter: string
  readonly data: Buffer
}

/** Of a reply: a header field that is added may be long. */
const largestReply = 1_048_576

export function packet(letter: Command, ...parts: readonly Uint8Array[]): Buffer {
  const data = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(data.length + 1)
  head.write(letter, 4, 'latin1')
  return Buffer.concat([head, data])
}

/** Each text with its NUL; a NUL inside would be taken for its end, and becomes `?`. */
export function texts(...values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value.replaceAll('\0', '?')}\0`).join(''), 'utf8')
}

/** @throws PosternError as `Peer` */
export async function readPacket(peer: Peer): Promise<Packet> {
  const length = (await peer.readExactly(4)).readUInt32BE()
  if (length === 0) throw peer.fail('sends an empty packet')
  if (length > largestReply) throw peer.fail('says too much')
  const bytes = await peer.readExactly(length)
  return { letter: bytes.toString('latin1', 0, 1), data: bytes.subarray(1) }
}

/** The texts in a packet's data. The last one's NUL may be missing. */
export function textsIn(data: Buffer): readonly string[] {
  const text = data.toString('utf8')
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0')
}

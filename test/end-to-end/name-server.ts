/** A name server on loopback that knows TXT records and nothing else: keys and policies of a test. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer {
  readonly port: number
  /** Every name that was asked for. */
  readonly asked: readonly string[]
  close(): void
}

const txt = 16

/** @param records by name in lower case; a name that is not there does not exist */
export async function nameServer(records: ReadonlyMap<string, string>): Promise<NameServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, from) => {
    const { name, end } = readName(query)
    asked.push(name)
    const text = query.readUInt16BE(end) === txt ? records.get(name) : undefined
    socket.send(
      answer(query.subarray(0, end + 4), records.has(name), text),
      from.port,
      from.address,
    )
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, asked, close: () => void socket.close() }
}

function readName(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

/** RFC 1035 §4: the question once more, and one record behind it. */
function answer(question: Buffer, known: boolean, text: string | undefined): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(known ? 0x81_80 : 0x81_83, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(text === undefined ? 0 : 1, 6)
  head.writeUInt32BE(0, 8)
  if (text === undefined) return head
  const strings = (text.match(/.{1,255}/g) ?? []).map((part) =>
    Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')]),
  )
  const data = Buffer.concat(strings)
  const fixed = Buffer.from([
    0xc0,
    0x0c,
    0,
    txt,
    0,
    1,
    0,
    0,
    0,
    60,
    data.length >> 8,
    data.length & 255,
  ])
  return Buffer.concat([head, fixed, data])
}

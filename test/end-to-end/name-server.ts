/** A name server on loopback, by UDP, with zones of a test's own making. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** What it knows of one name; `fails`: SERVFAIL. MX: `10 mx.example`. */
export type ServedName = { readonly [T in keyof typeof numbers]?: readonly string[] } | 'fails'

export interface NameServer {
  readonly port: number
  /** Every question, in order: `TXT example.com`. */
  readonly questions: readonly string[]
  close(): void
}

const numbers = { A: 1, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const
const authoritative = 0x8580
const servfail = 2
const noSuchName = 3
const ttlSeconds = 60

/** @param zones by name in lower case; the name of an address as in `1.2.0.192.in-addr.arpa` */
export async function nameServer(zones: Readonly<Record<string, ServedName>>): Promise<NameServer> {
  const questions: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionIn(query)
    questions.push(`${type} ${name}`)
    const known = zones[name]
    const data = known === undefined || known === 'fails' ? [] : recordsOf(type, known)
    const below = Object.keys(zones).some((other) => other.endsWith(`.${name}`))
    const rcode = known === 'fails' ? servfail : known === undefined && !below ? noSuchName : 0
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(authoritative | rcode, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(data.length, 6)
    const answers = data.map((rdata) => answer(query.subarray(end - 4, end), rdata))
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, questions, close: () => void socket.close() }
}

function questionIn(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const number = query.readUInt16BE(at + 1)
  const type = Object.entries(numbers).find(([, each]) => each === number)?.[0] ?? String(number)
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 }
}

function recordsOf(type: string, known: Exclude<ServedName, 'fails'>): readonly Buffer[] {
  switch (type) {
    case 'A':
      return (known.A ?? []).map((address) => Buffer.from(address.split('.').map(Number)))
    case 'PTR':
      return (known.PTR ?? []).map(encoded)
    case 'TXT':
      return (known.TXT ?? []).map(strings)
    case 'MX':
      return (known.MX ?? []).map((text) => {
        const [preference = '', exchange = ''] = text.split(' ')
        const number = Buffer.alloc(2)
        number.writeUInt16BE(Number(preference))
        return Buffer.concat([number, encoded(exchange)])
      })
    default:
      return []
  }
}

function answer(typeAndClass: Buffer, rdata: Buffer): Buffer {
  const record = Buffer.alloc(12)
  // The name of the question, by reference.
  record.writeUInt16BE(0xc00c, 0)
  typeAndClass.copy(record, 2)
  record.writeUInt32BE(ttlSeconds, 6)
  record.writeUInt16BE(rdata.length, 10)
  return Buffer.concat([record, rdata])
}

function encoded(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(prefixed), Buffer.from([0])])
}

/** RFC 1035 §3.3.14: a string holds 255 octets. */
function strings(text: string): Buffer {
  return Buffer.concat((text.match(/.{1,255}/g) ?? ['']).map(prefixed))
}

function prefixed(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')])
}

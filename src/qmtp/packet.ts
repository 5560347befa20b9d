/**
 * Finds the parts of a packet in bytes that come cut anywhere: QMTP (D. J. Bernstein, 1997) sends a message, a sender and
 * the list of its recipients, netstrings all three; QMQP (1998) puts a message, a sender and each recipient into one
 * netstring. What the message holds is not looked at here. Strict: what is longer than its bound, or not where it belongs,
 * is broken, and nothing behind it can be understood. Pure: no I/O. Linear in its input.
 */
import { NetstringLength } from '../formats/netstring.ts'
import type { Encoding } from './encoded-reader.ts'

export type PacketProtocol = 'qmtp' | 'qmqp'

/** Told of the message as it comes. */
export interface PacketHandler {
  /** A message of so many octets follows, and be it none. */
  begin(encoding: Encoding, sizeBytes: number): void
  /** Octets of it. */
  content(piece: Buffer): void
}

export interface PacketEnvelope {
  /** As they were sent, one character for each byte; of one that is too long the beginning, which is too long as well. */
  readonly sender: string
  readonly recipients: readonly string[]
}

type Part = 'packet' | 'message' | 'sender' | 'list' | 'recipient'
type State = 'length' | 'encoding' | 'content' | 'address' | 'comma' | 'last comma'

/** So long a message can be said to be; whether it is taken is for the rules of content to say. */
const mostMessageBytes = 9_999_999_999
/** qmail's own bound for an address: what is longer is none, and its sender hears so. */
export const mostAddressBytes = 1_000
/** More than any list of recipients that is meant well. */
const mostListBytes = 1 << 20
const mostRecipients = 20_000

const mostBytes: { readonly [P in Part]: number } = {
  packet: mostMessageBytes + mostListBytes,
  message: mostMessageBytes,
  sender: mostListBytes,
  list: mostListBytes,
  recipient: mostListBytes,
}

const comma = 0x2c
const encodings: ReadonlyMap<number, Encoding> = new Map([
  [0x0a, 'LF'],
  [0x0d, 'CRLF'],
])

export class PacketReader {
  readonly #protocol: PacketProtocol
  readonly #handler: PacketHandler
  #over: 'done' | 'broken' | undefined
  #part: Part
  #state: State = 'length'
  #length: NetstringLength
  /** Octets of the part that have not come. */
  #left = 0
  /** … and of the netstring around it; there may be none. */
  #around = Infinity
  #address = ''
  #addressBytes = 0
  #sender = ''
  readonly #recipients: string[] = []

  constructor(protocol: PacketProtocol, handler: PacketHandler) {
    this.#protocol = protocol
    this.#handler = handler
    this.#part = protocol === 'qmtp' ? 'message' : 'packet'
    this.#length = new NetstringLength(mostBytes[this.#part])
  }

  get state(): 'more' | 'done' | 'broken' {
    return this.#over ?? 'more'
  }

  /** Once it is done. */
  get envelope(): PacketEnvelope {
    return { sender: this.#sender, recipients: this.#recipients }
  }

  /** @returns how many of the bytes belong to the packet; all of them where it goes on */
  read(chunk: Buffer): number {
    let at = 0
    while (at < chunk.length && this.#over === undefined) {
      const most = Math.min(chunk.length - at, this.#around)
      if (most === 0 && this.#state !== 'last comma') {
        this.#over = 'broken'
        break
      }
      const bulk = this.#state === 'content' || this.#state === 'address'
      const used = bulk ? Math.min(most, this.#left) : 1
      if (this.#state !== 'last comma') this.#around -= used
      this.#take(chunk.subarray(at, at + used))
      at += used
    }
    return at
  }

  #take(piece: Buffer): void {
    const byte = piece[0] ?? 0
    switch (this.#state) {
      case 'length': {
        const length = this.#length.read(byte)
        if (length === 'broken') this.#over = 'broken'
        else if (length !== 'more') this.#open(length)
        break
      }
      case 'encoding':
        this.#beginMessage(encodings.get(byte))
        break
      case 'content':
        this.#handler.content(piece)
        this.#got(piece.length)
        break
      case 'address':
        this.#address += piece.toString('latin1', 0, mostAddressBytes + 1 - this.#address.length)
        this.#got(piece.length)
        break
      case 'comma':
        if (byte === comma) this.#close()
        else this.#over = 'broken'
        break
      case 'last comma':
        this.#over = byte === comma ? 'done' : 'broken'
        break
    }
  }

  #got(bytes: number): void {
    this.#left -= bytes
    if (this.#left === 0) this.#state = 'comma'
  }

  #begin(part: Part): void {
    this.#part = part
    this.#state = 'length'
    this.#length = new NetstringLength(mostBytes[part])
  }

  /** The length of the part is known. */
  #open(length: number): void {
    this.#left = length
    // With its comma it would end behind what is around it.
    if (length >= this.#around) {
      this.#over = 'broken'
      return
    }
    switch (this.#part) {
      case 'packet':
        this.#around = length
        this.#begin('message')
        break
      case 'message':
        this.#state = 'encoding'
        if (this.#protocol === 'qmqp') this.#beginContent('LF', length)
        else if (length === 0) this.#over = 'broken'
        break
      case 'list':
        this.#around = length
        this.#next()
        break
      case 'sender':
      case 'recipient':
        this.#address = ''
        this.#addressBytes += length
        this.#state = length === 0 ? 'comma' : 'address'
        if (this.#addressBytes > mostListBytes) this.#over = 'broken'
        break
    }
  }

  #beginMessage(encoding: Encoding | undefined): void {
    if (encoding === undefined) this.#over = 'broken'
    else this.#beginContent(encoding, this.#left - 1)
  }

  #beginContent(encoding: Encoding, sizeBytes: number): void {
    this.#left = sizeBytes
    this.#state = sizeBytes === 0 ? 'comma' : 'content'
    this.#handler.begin(encoding, sizeBytes)
  }

  /** The part has ended. */
  #close(): void {
    if (this.#part === 'message') return this.#begin('sender')
    if (this.#part === 'sender') {
      this.#sender = this.#address
      if (this.#protocol === 'qmtp') return this.#begin('list')
    } else {
      this.#recipients.push(this.#address)
      if (this.#recipients.length > mostRecipients) this.#over = 'broken'
    }
    this.#next()
  }

  /** Another recipient, or the end of what is around them all. */
  #next(): void {
    if (this.#around === 0) this.#state = 'last comma'
    else this.#begin('recipient')
  }
}

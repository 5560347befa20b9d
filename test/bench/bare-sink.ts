/**
 * The least that Node can do for SMTP: no policy, no checks, nothing kept. Buffers are scanned as they come, every chunk
 * is answered in one write. What the receiver costs is told as a multiple of what this costs.
 *
 *   node test/bench/bare-sink.ts [port] [count]      prints the port it listens on, and a line after each count messages
 */
import { createServer, type Socket } from 'node:net'

const endOfData = Buffer.from('\r\n.\r\n')
const replies: Readonly<Record<string, string>> = {
  E: '250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n',
  H: '250 sink\r\n',
  M: '250 2.1.0 Ok\r\n',
  R: '250 2.1.5 Ok\r\n',
  D: '354 Go on\r\n',
  Q: '221 2.0.0 Bye\r\n',
}

const every = Number(process.argv[3] ?? Infinity)
let taken = 0

class Sink {
  readonly #socket: Socket
  #inData = false
  /** The beginning of a line, or in a message its last four bytes. */
  #kept: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {})
    socket.write('220 sink ESMTP\r\n')
  }

  #read(data: Buffer): void {
    const chunk = this.#kept.length === 0 ? data : Buffer.concat([this.#kept, data])
    let out = ''
    let at = 0
    let quit = false
    for (;;) {
      const end = this.#inData ? chunk.indexOf(endOfData, at) : chunk.indexOf(10, at)
      if (end === -1) break
      if (this.#inData) {
        at = end + endOfData.length
        this.#inData = false
        out += '250 2.0.0 Ok\r\n'
        if (++taken % every === 0) process.stdout.write(`${taken}\n`)
        continue
      }
      const verb = String.fromCharCode((chunk[at] ?? 0) & 0xdf)
      out += replies[verb] ?? '500 5.5.2 What?\r\n'
      quit ||= verb === 'Q'
      this.#inData = verb === 'D'
      // The CR LF of the command may begin the end of an empty message.
      at = this.#inData ? end - 1 : end + 1
    }
    this.#kept = this.#inData ? chunk.subarray(Math.max(at, chunk.length - 4)) : chunk.subarray(at)
    if (quit) this.#socket.end(out)
    else if (out !== '') this.#socket.write(out)
  }
}

const server = createServer({ noDelay: true }, (socket) => new Sink(socket))
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : address}\n`)
})

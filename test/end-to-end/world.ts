/** The next hop of a gateway under test, which stands for all other hosts. */
import { createServer, type AddressInfo, type Server } from 'node:net'
import { eventually } from './started-gateway.ts'

/** The rest of the world: knows everybody but bob@far.test. */
export class World {
  /** MAIL and RCPT commands, without their parameters. */
  readonly envelopes: string[] = []
  /** Lines of the messages, as they came. */
  readonly lines: string[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((socket) => {
      let inData = false
      socket.write('220 world.test\r\n')
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        const lines = chunk.toString('latin1').split('\r\n').slice(0, -1)
        for (const line of lines) {
          if (inData && line !== '.') {
            this.lines.push(line)
            continue
          }
          if (/^MAIL|^RCPT/.test(line)) this.envelopes.push(line.replace(/> .*/, '>'))
          inData = line === 'DATA'
          socket.write(inData ? '354 go on\r\n' : `${replyTo(line)}\r\n`)
        }
      })
    })
  }

  static async open(): Promise<World> {
    const world = new World()
    await new Promise<void>((resolve) => {
      world.#server.listen(0, '127.0.0.1', resolve)
    })
    return world
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  has(line: RegExp): Promise<RegExpExecArray> {
    const find = () => this.envelopes.map((each) => line.exec(each)).find((each) => each !== null)
    return eventually(async () => find() ?? undefined, `${String(line)} at the next hop`)
  }

  close(): void {
    this.#server.close()
  }
}

function replyTo(line: string): string {
  return line === 'RCPT TO:<bob@far.test>' ? '550 5.1.1 who is bob?' : '250 2.0.0 fine'
}

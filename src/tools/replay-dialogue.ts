/** Plays the client's part of a recorded dialogue to a server, and compares what that says with what was said then. */
import { bytesOfStep, isExpectedLine, type DialogueStep } from '../formats/dialogue-file.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Connection, Net, NetAddress } from '../runtime/net.ts'

export interface ReplayedStep {
  readonly line: number
  readonly expected: string
  readonly said: string
}

export interface ReplayOptions {
  readonly steps: readonly DialogueStep[]
  readonly address: NetAddress
  readonly net: Net
  readonly clock: Clock
  /** For each answer. */
  readonly timeoutMs: number
}

const masked = '***'
const longestUnread = 1_000_000

/**
 * @returns what the server said otherwise, in its order; empty where it said the same
 * @throws Error where the dialogue cannot be played: a secret of it is not kept, a word belongs to tests
 * @throws PosternError CONNECT_FAILED, TIMEOUT, PEER_FAILED
 */
export async function replayDialogue(options: ReplayOptions): Promise<readonly ReplayedStep[]> {
  const { steps, net, address, timeoutMs } = options
  const secret = steps.find(({ word, text }) => word === 'C:' && text.includes(masked))
  if (secret !== undefined) {
    throw new Error(`line ${secret.line} holds a secret that was not kept: it cannot be played`)
  }
  const connection = await net.connect({ address, timeoutMs })
  const server = new Server(connection, options)
  const different: ReplayedStep[] = []
  try {
    for (const { line, word, text } of steps) {
      if (word === 'C:') server.gather(`${bytesOfStep(text)}\r\n`)
      else if (word === 'C<') server.gather(bytesOfStep(text))
      else if (word === 'S:') {
        const said = await server.line()
        if (said === undefined || !isExpectedLine(said, text)) {
          different.push({ line, expected: text, said: said ?? '(nothing)' })
        }
        if (said === undefined) break
      } else if (word === 'TLS') {
        server.send()
        const how = { side: 'client', servername: '', verify: false, timeoutMs } as const
        await connection.startTls(how)
      } else if (word === 'CLOSED') {
        if (!(await server.closes()))
          different.push({ line, expected: '(closes)', said: '(stays)' })
      } else throw new Error(`line ${line}: ${word} belongs to tests`)
    }
    return different
  } finally {
    connection.destroy()
  }
}

class Server {
  readonly #connection: Connection
  readonly #options: Pick<ReplayOptions, 'clock' | 'timeoutMs'>
  #unsent = ''
  #unread = ''
  #closed = false
  #news: () => void = () => undefined

  constructor(connection: Connection, options: Pick<ReplayOptions, 'clock' | 'timeoutMs'>) {
    this.#connection = connection
    this.#options = options
    connection.attach({
      data: (chunk) => {
        this.#unread += chunk.toString('latin1')
        if (this.#unread.length > longestUnread) connection.destroy()
        this.#news()
      },
      ended: () => this.#end(),
      drained: () => undefined,
      closed: () => this.#end(),
    })
    connection.resume()
  }

  gather(bytes: string): void {
    this.#unsent += bytes
  }

  send(): void {
    if (this.#unsent !== '') this.#connection.write(this.#unsent)
    this.#unsent = ''
  }

  /** @returns undefined where nothing more comes, or not in time */
  async line(): Promise<string | undefined> {
    this.send()
    await this.#until(() => this.#unread.includes('\n') || this.#closed)
    const end = this.#unread.indexOf('\n')
    if (end < 0) return undefined
    const line = this.#unread.slice(0, end).replace(/\r$/, '')
    this.#unread = this.#unread.slice(end + 1)
    return line
  }

  async closes(): Promise<boolean> {
    this.send()
    await this.#until(() => this.#closed)
    return this.#closed
  }

  #end(): void {
    this.#closed = true
    this.#news()
  }

  async #until(holds: () => boolean): Promise<void> {
    if (holds()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(this.#options.timeoutMs, resolve)
    this.#news = () => {
      if (holds()) resolve()
    }
    await promise
    timer.cancel()
  }
}

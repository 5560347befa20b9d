/** One SMTP or LMTP dialogue, as a client: a command, then its whole reply. Replies are bounded; one deadline is for all. */
import { PosternError, type Connection } from 'postern/plugin'

export interface Reply {
  readonly code: number
  /** `5.1.1`, where the first line has one. */
  readonly status: string
  readonly text: string
}

const longestReply = 8_192
/** Behind the code stands a blank, a hyphen, or nothing: `5555` is no reply. */
const replyLine = /^(\d{3})(?:([ -])(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/

/** A connection on which only one thing is ever waited for. */
export class Dialogue {
  readonly #connection: Connection
  #received = ''
  #failure: PosternError | undefined
  #wake: (() => void) | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    const over = (why: string): void => {
      this.#failure ??= new PosternError('PEER_FAILED', why)
      this.#wake?.()
    }
    connection.attach({
      data: (chunk) => {
        this.#received += chunk.toString('latin1')
        if (this.#received.length > longestReply) over('the reply is too long')
        this.#wake?.()
      },
      ended: () => over('it hung up'),
      drained: () => undefined,
      closed: () => over('the connection broke'),
    })
  }

  /** @throws PosternError PEER_FAILED, and what `giveUp` was told */
  async ask(command: string): Promise<Reply> {
    this.#connection.write(`${command}\r\n`)
    return this.reply()
  }

  /** The next reply: the greeting needs no command. */
  async reply(): Promise<Reply> {
    for (;;) {
      const reply = this.#take()
      if (reply !== undefined) return reply
      if (this.#failure !== undefined) throw this.#failure
      // oxlint-disable-next-line no-await-in-loop -- a reply comes in pieces
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Whatever is waited for fails with this. */
  giveUp(why: PosternError): void {
    this.#failure ??= why
    this.#connection.destroy()
    this.#wake?.()
  }

  quit(): void {
    if (this.#failure === undefined) this.#connection.write('QUIT\r\n')
    this.#connection.close()
  }

  /** @throws PosternError PEER_FAILED for what is no reply */
  #take(): Reply | undefined {
    let from = 0
    let first: RegExpExecArray | undefined
    for (;;) {
      const end = this.#received.indexOf('\n', from)
      if (end < 0) return undefined
      const line = replyLine.exec(this.#received.slice(from, end).replace(/\r$/, ''))
      if (line === null) throw new PosternError('PEER_FAILED', 'it does not speak SMTP')
      first ??= line
      from = end + 1
      if (line[2] === '-') continue
      this.#received = this.#received.slice(from)
      const [, code = '', , status = '', text = ''] = first
      return { code: Number(code), status, text }
    }
  }
}

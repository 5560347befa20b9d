/** A sender that writes down what it was promised: every id whose end of data was answered 250. */
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export interface Ledger {
  /** Digest of the body, by the id in the field `X-Ledger`. */
  readonly acknowledged: Map<string, string>
  /** The reply, by the same id. */
  readonly refused: Map<string, string>
}

export function emptyLedger(): Ledger {
  return { acknowledged: new Map(), refused: new Map() }
}

/** Sends messages over one connection until it breaks, or `limit` are acknowledged. */
export async function sendUntilBroken(
  port: number,
  ledger: Ledger,
  message: {
    readonly prefix: string
    readonly limit: number
    readonly recipient: string
    /** Of each body, about; by default they differ. */
    readonly sizeBytes?: number
  },
): Promise<void> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  const replies = replyReader(socket)
  try {
    await replies.next()
    await replies.ask('EHLO ledger.test\r\n')
    for (let number = 0; number < message.limit; number++) {
      const id = `${message.prefix}-${number}`
      const words = Math.ceil((message.sizeBytes ?? 0) / (id.length + 1))
      const body =
        `${id} `.repeat(words || 1 + ((number * 37) % 400)).replaceAll(/(.{70})/g, '$1\r\n') +
        '\r\n'
      await replies.ask(`MAIL FROM:<ledger@client.test>\r\n`)
      await replies.ask(`RCPT TO:<${message.recipient}>\r\n`)
      await replies.ask('DATA\r\n')
      const reply = await replies.ask(`Subject: ledger\r\nX-Ledger: ${id}\r\n\r\n${body}.\r\n`)
      if (reply.startsWith('250')) ledger.acknowledged.set(id, digest(body))
      else ledger.refused.set(id, reply)
    }
    socket.end('QUIT\r\n')
  } catch {
    // The connection broke: what was under way is neither promised nor refused.
  } finally {
    socket.destroy()
  }
}

/** Of a body with CRLF or LF line ends. */
export function digest(body: string): string {
  return createHash('sha256').update(body.replaceAll('\r\n', '\n')).digest('hex')
}

/** What is found in delivered messages: id → digests of each copy. */
export function foundIn(mail: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const text of mail) {
    const id = /^X-Ledger: (.*)$/m.exec(text)?.[1] ?? ''
    const body = text.slice(text.indexOf('\n\n') + 2)
    found.set(id, [...(found.get(id) ?? []), digest(body)])
  }
  return found
}

function replyReader(socket: Socket): {
  next(): Promise<string>
  ask(text: string): Promise<string>
} {
  let buffer = ''
  let broken = false
  let wake: (() => void) | undefined
  socket.on('data', (text) => {
    buffer += String(text)
    wake?.()
  })
  socket.on('error', () => undefined)
  socket.once('close', () => {
    broken = true
    wake?.()
  })
  const next = async (): Promise<string> => {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(buffer)
      if (match !== null) {
        buffer = buffer.slice(match[0].length)
        return match[0]
      }
      if (broken) throw new Error('the connection broke')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    next,
    ask(text) {
      socket.write(text, 'latin1')
      return next()
    },
  }
}

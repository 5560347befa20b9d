import type { Connection, TlsContext } from '../runtime/net.ts'

/** The server's end of a connection that a test plays itself, line by line. */
export interface ScriptedPeer {
  /** Sends text, as latin1. */
  say(text: string): void
  /** The client's next line without its CRLF; undefined once the client is gone. */
  line(): Promise<string | undefined>
  /** What follows DATA, up to and including the lone dot; undefined if the client goes before that. */
  data(): Promise<string | undefined>
  /** So many bytes, as latin1; undefined if the client goes before that. */
  take(sizeBytes: number): Promise<string | undefined>
  /** The handshake, after 220. */
  startTls(context: TlsContext): Promise<void>
  /** Breaks off in the middle of it. */
  failTls(): Promise<void>
  hangUp(): void
}

export function scriptedPeer(connection: Connection): ScriptedPeer {
  let text = ''
  let over = false
  let wake: (() => void) | undefined
  const happened = (): void => wake?.()
  connection.attach({
    data(chunk) {
      text += chunk.toString('latin1')
      happened()
    },
    ended() {
      over = true
      connection.end()
      happened()
    },
    drained: () => {},
    closed() {
      over = true
      happened()
    },
  })

  const take = async (end: (text: string) => number): Promise<string | undefined> => {
    for (;;) {
      const at = end(text)
      if (at >= 0) {
        const taken = text.slice(0, at)
        text = text.slice(at)
        return taken
      }
      if (over) return undefined
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  const after = (mark: string) => (given: string) => {
    const at = given.indexOf(mark)
    return at < 0 ? -1 : at + mark.length
  }

  return {
    say: (words) => void connection.write(words),
    line: async () => (await take(after('\r\n')))?.slice(0, -2),
    data: () => take((given) => (given.startsWith('.\r\n') ? 3 : after('\r\n.\r\n')(given))),
    take: (sizeBytes) => take((given) => (given.length < sizeBytes ? -1 : sizeBytes)),
    async startTls(context) {
      await connection.startTls({ side: 'server', context, timeoutMs: 10_000 })
    },
    async failTls() {
      // The 220 must be read first, or it looks like a connection that broke before TLS.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      connection.destroy()
    },
    hangUp: () => connection.end(),
  }
}

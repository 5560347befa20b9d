/** Clients with any address, by a listener that is told it in a PROXY header: one reply for each command. */
import { connect } from 'node:net'

export interface FrontDoorClient {
  /** The next reply, all of its lines; empty when the connection was closed. */
  reply(): Promise<string>
  /** Says a command and waits for its reply. */
  say(command: string): Promise<string>
  /** Says nothing more; resolves when the connection is closed. */
  leave(): Promise<void>
}

/** @param early what it says before it is greeted */
export function arrive(port: number, address: string, early = ''): FrontDoorClient {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  const replies: string[] = []
  const waiting: ((reply: string) => void)[] = []
  let unread = ''
  let isOver = false
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOver = true
      for (const resolveReply of waiting.splice(0)) resolveReply('')
      resolve()
    })
  })
  socket.on('error', () => undefined)
  socket.on('data', (text) => {
    unread += String(text)
    for (let match = wholeReply(unread); match !== undefined; match = wholeReply(unread)) {
      unread = unread.slice(match.length)
      const next = waiting.shift()
      if (next === undefined) replies.push(match.trimEnd())
      else next(match.trimEnd())
    }
  })
  socket.write(`PROXY TCP4 ${address} 192.0.2.25 40000 25\r\n${early}`, 'latin1')
  const reply = (): Promise<string> => {
    const there = replies.shift()
    if (there !== undefined) return Promise.resolve(there)
    return isOver ? Promise.resolve('') : new Promise((resolve) => void waiting.push(resolve))
  }
  return {
    reply,
    say(command) {
      socket.write(`${command}\r\n`, 'latin1')
      return reply()
    },
    leave() {
      socket.end()
      return closed
    },
  }
}

/** The whole of a session: the greeting first, then the reply to each command as far as there is one. */
export async function session(
  port: number,
  address: string,
  commands: readonly string[],
): Promise<readonly string[]> {
  const client = arrive(port, address)
  const replies = [await client.reply()]
  for (const command of commands) replies.push(await client.say(command))
  await client.leave()
  return replies
}

function wholeReply(text: string): string | undefined {
  return /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(text)?.[0]
}

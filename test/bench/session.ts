/** One SMTP session of a load, with as little of its own as may be. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface BenchSession {
  /** Sends one message. @returns whether it was taken */
  mail(lines: Iterable<string>, to?: string): Promise<boolean>
  destroy(): void
}

/** Nobody on a loopback takes so long. */
const patienceMs = 60_000
const pieceBytes = 64 * 1024

/** After EHLO, by TLS or not. @throws Error where it is refused, or breaks */
export async function openSession(port: number, tls: boolean): Promise<BenchSession> {
  let socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await replyOf(socket, 220)
  await command(socket, 'EHLO bench.test', 250)
  if (tls) {
    await command(socket, 'STARTTLS', 220)
    const secure = connectTls({ socket, rejectUnauthorized: false })
    await once(secure, 'secureConnect', { signal: AbortSignal.timeout(patienceMs) })
    socket = secure
    await command(socket, 'EHLO bench.test', 250)
  }
  return {
    async mail(lines, to = 'bench@postern.test') {
      await command(socket, 'MAIL FROM:<bench@client.test>', 250)
      await command(socket, `RCPT TO:<${to}>`, 250)
      await command(socket, 'DATA', 354)
      let piece = ''
      for (const line of lines) {
        piece += `${line}\r\n`
        if (piece.length < pieceBytes) continue
        if (!socket.write(piece)) await once(socket, 'drain')
        piece = ''
      }
      socket.write(piece)
      return (await command(socket, '.', undefined)) === 250
    },
    destroy: () => socket.destroy(),
  }
}

function command(socket: Socket, line: string, expected: number | undefined): Promise<number> {
  const reply = replyOf(socket, expected)
  socket.write(`${line}\r\n`)
  return reply
}

/** The code of the next reply. @throws Error where it is another than expected, or none comes */
function replyOf(socket: Socket, expected: number | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    const end = (error?: Error): void => {
      clearTimeout(timer)
      socket.off('data', take).off('error', end).off('close', closed)
      if (error !== undefined) reject(error)
    }
    const closed = (): void => end(new Error('the connection was closed'))
    const take = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const [, digits] = /(?:^|\n)(\d{3}) [^\n]*\n$/.exec(text) ?? []
      if (digits === undefined) return
      end(expected === undefined || Number(digits) === expected ? undefined : new Error(text))
      resolve(Number(digits))
    }
    const timer = setTimeout(() => end(new Error('no reply came')), patienceMs)
    socket.on('data', take).on('error', end).on('close', closed)
  })
}

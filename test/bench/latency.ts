/** How long an idle gateway takes from its 250 to the first byte that its courier says to the next hop. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { openSession } from './session.ts'
import { postern } from './systems.ts'

const messages = 9
/** Longer than a connection is kept for a next message. */
const pauseMs = 2_500
const patienceMs = 60_000

/** @returns lines to print */
export async function latencyFigures(): Promise<readonly string[]> {
  const heard: (() => void)[] = []
  const server = createServer((socket) => answer(socket, () => heard.shift()?.()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const gateway = await postern('idle', false, {
    control: { smtproutes: `relay.test:127.0.0.1:${port}\n`, rcpthosts: 'relay.test\n' },
  })
  try {
    const times: number[] = []
    for (let count = 0; count < messages; count++) {
      const first = new Promise<number>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('nobody called')), patienceMs)
        heard.push(() => {
          clearTimeout(timer)
          resolve(performance.now())
        })
      })
      const session = await openSession(gateway.port, false)
      const taken = await session.mail(['Subject: one', '', 'text'], 'bench@relay.test')
      const accepted = performance.now()
      session.destroy()
      if (!taken) throw new Error('the message was refused')
      times.push((await first) - accepted)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    const sorted = times.toSorted((a, b) => a - b)
    const median = sorted[Math.floor(messages / 2)] ?? Number.NaN
    return [
      `### idle: from 250 to the courier's first byte: ${median.toFixed(1)} ms (at most ${sorted.at(-1)?.toFixed(1)}); aim: below 50`,
      '',
    ]
  } finally {
    await gateway.stop()
    server.close()
  }
}

/** The least that a next hop says. @param first called with the first byte of a connection */
function answer(socket: Socket, first: () => void): void {
  const replies: Readonly<Record<string, string>> = { DATA: '354 go', '.': '250 ok' }
  let rest = ''
  let inData = false
  socket.on('error', () => undefined).once('data', first)
  socket.setEncoding('latin1').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (inData && line !== '.') continue
      inData = line === 'DATA'
      socket.write(`${replies[line] ?? (line === 'QUIT' ? '221 bye' : '250 ok')}\r\n`)
    }
  })
  socket.write('220 next hop\r\n')
}

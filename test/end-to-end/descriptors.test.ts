/** A gateway that runs out of file descriptors, by the system's own limit. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import {
  delivered,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
} from './started-gateway.ts'

/** A client that stays, and the first line it heard. */
async function stay(port: number): Promise<{ readonly socket: Socket; readonly line: string }> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket.on('error', () => undefined)
  const [text] = (await once(socket, 'data')) as [string]
  return { socket, line: text.trimEnd() }
}

test('without descriptors new clients are told to come back, and mail that is in arrives', async () => {
  const folder = await gatewayFolder()
  const gateway = await startGateway(folder, { through: ['prlimit', '--nofile=110:110'] })
  const clients = []
  for (let count = 0; count < 120; count++) clients.push(await stay(gateway.port))
  const served = clients.filter(({ line }) => line.startsWith('220 '))
  const turnedAway = clients.filter(({ line }) => line === '421 4.3.2 Too busy, come back later')
  expect(served.length).toBeGreaterThan(20)
  expect(served.length + turnedAway.length).toBe(120)

  // The descriptors that were kept back carry a transaction to its end.
  const lines = ['HELO c.test', 'MAIL FROM:<a@client.test>', 'RCPT TO:<bob@postern.test>', 'DATA']
  const first = served[0]?.socket
  for (const line of [...lines, 'text\r\n.']) {
    first?.write(`${line}\r\n`)
    const [text] = (await once(first ?? clients[0]!.socket, 'data')) as [string]
    expect(text).toMatch(/^(?:250|354) /)
  }
  await delivered(folder, ['bob', 'postern.test'])

  for (const { socket } of clients) socket.destroy()
  const server = `127.0.0.1:${gateway.port}`
  await eventually(async () => {
    const sent = await runPostern(['send', '--to', 'ann@postern.test', '--server', server])
    return sent.code === 0 ? true : undefined
  }, 'service after the shortage')
  expect(gateway.stderr().split('accept.out-of-descriptors')).toHaveLength(2)
  await gateway.stop()
  await folder.remove()
})

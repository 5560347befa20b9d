import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Server } from 'node:net'

/** Both by one port of 127.0.0.1, as name servers listen: one that is free by TCP may be taken by UDP, then another is tried. */
export async function bothOnOnePort(tcp: Server): Promise<{ udp: Socket; port: number }> {
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const address = tcp.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const udp = createSocket('udp4')
  const bound = await new Promise<boolean>((resolve) => {
    udp.once('listening', () => resolve(true)).once('error', () => resolve(false))
    udp.bind(port, '127.0.0.1')
  })
  if (bound) return { udp, port }
  tcp.close()
  await once(tcp, 'close')
  return bothOnOnePort(tcp)
}

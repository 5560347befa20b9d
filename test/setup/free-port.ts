import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below those that a system gives to whoever asks for any, so that nobody gets it between the look and its use. */
const [lowest, tooHigh] = [12_000, 32_000] as const

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, tooHigh)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = new Promise<boolean>((resolve) => {
    server.once('listening', () => resolve(true)).once('error', () => resolve(false))
  })
  // On every address: a program may listen on more than the loopback one.
  server.listen(port, '0.0.0.0')
  if (!(await listening)) return false
  server.close()
  await once(server, 'close')
  return true
}

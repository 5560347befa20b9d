import { once } from 'node:events'
import { connect } from 'node:net'

/** Whether somebody there greets with 220 now; undefined where not, for `eventually`. */
export async function greets(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    const [greeting] = await once(socket, 'data')
    return String(greeting).startsWith('220') ? true : undefined
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

/** Asks a running gateway which alerts are active. */
import type { AlertReport } from '../alerts/watch.ts'
import { readState } from '../alerts/book.ts'
import { askGateway } from '../control/control-client.ts'
import { isObject } from '../control/control-lines.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { controlSocket } from './control-socket.ts'
import { readOffline } from './read-offline.ts'

/**
 * @param folder the configuration folder
 * @param what `test`: send a test to everybody who would be told
 * @throws PosternError CONFIG_INVALID; CONNECT_FAILED where no gateway runs; PEER_FAILED
 */
export async function askAlerts(folder: string, what: 'list' | 'test'): Promise<AlertReport> {
  const { spool } = readOffline(folder)
  // The first worker speaks, and has the first shard.
  const { path } = controlSocket(spool.path)
  const doors = { net: nodeNet, clock: systemClock, path }
  try {
    const answer = await askGateway({ verb: 'alerts', of: what }, doors)
    const { configured, active = null, untold, trouble } = isObject(answer) ? answer : {}
    return {
      configured: configured === true,
      active: readState({ version: 1, active }).active,
      untold: typeof untold === 'number' ? untold : 0,
      ...(typeof trouble === 'string' ? { trouble } : {}),
    }
  } catch (error) {
    if (!isPosternError(error, 'CONNECT_FAILED')) throw error
    throw new PosternError('CONNECT_FAILED', `no gateway runs on ${spool.path}`)
  }
}

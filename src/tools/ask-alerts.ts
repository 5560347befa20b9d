/** Asks a running gateway which alerts are active. */
import type { AlertReport } from '../alerts/watch.ts'
import { readState } from '../alerts/book.ts'
import { isObject } from '../control/control-lines.ts'
import { PosternError } from '../mail/errors.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { askWorkers } from './ask-workers.ts'
import { readOffline } from './read-offline.ts'

/**
 * @param folder the configuration folder
 * @param what `test`: send a test to everybody who would be told
 * @returns undefined where no gateway runs
 * @throws PosternError CONFIG_INVALID; CONNECT_FAILED where nobody watches just now; PEER_FAILED
 */
export async function askAlerts(
  folder: string,
  what: 'list' | 'test',
): Promise<AlertReport | undefined> {
  const { spool } = readOffline(folder)
  const doors = { net: nodeNet, clock: systemClock, disk: systemDisk }
  const answers = await askWorkers({ verb: 'alerts', of: what }, doors, { spool: spool.path })
  if (answers.length === 0) return undefined
  // One of them leads, and speaks.
  const answer = answers.find(isObject)
  if (answer === undefined) {
    throw new PosternError('CONNECT_FAILED', 'the worker that watches is being replaced: ask again')
  }
  const { configured, active = null, untold, trouble } = answer
  return {
    configured: configured === true,
    active: readState({ version: 1, active }).active,
    untold: typeof untold === 'number' ? untold : 0,
    ...(typeof trouble === 'string' ? { trouble } : {}),
  }
}

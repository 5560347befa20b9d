/** Steers the queue of a configuration folder: the running gateway does it, or, where none runs, we do. */
import { askGateway } from '../control/control-client.ts'
import { Pauses } from '../delivery/pauses.ts'
import { QueueDesk } from '../delivery/queue-desk.ts'
import { createRouter } from '../delivery/router.ts'
import type { Configuration } from '../config/configuration.ts'
import { isPosternError } from '../mail/errors.ts'
import { openSpool } from '../queue/open-spool.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { silentLog } from './offline-doors.ts'
import { openBouncer } from './open-bouncer.ts'
import { controlSocket } from './open-control.ts'
import {
  answerRequest,
  readAnswerOf,
  writeRequest,
  type QueueAnswer,
  type QueueRequest,
} from './queue-requests.ts'
import { readOffline } from './read-offline.ts'
import { routingTables } from './routing-tables.ts'

/**
 * @param folder the configuration folder
 * @throws PosternError CONFIG_INVALID; SPOOL_LOCKED where a gateway runs that does not answer; what the queue throws
 */
export async function steerQueue(folder: string, request: QueueRequest): Promise<QueueAnswer> {
  const configuration = readOffline(folder)
  const { path } = controlSocket(configuration.spool.path)
  try {
    const ask = { verb: 'queue', of: writeRequest(request) }
    return readAnswerOf(await askGateway(ask, { net: nodeNet, clock: systemClock, path }))
  } catch (error) {
    if (!isPosternError(error, 'CONNECT_FAILED')) throw error
    return steerOffline(configuration, request)
  }
}

/** Under the spool's lock. Plugins are not loaded: a route that only they know is not found. */
async function steerOffline(
  configuration: Configuration,
  request: QueueRequest,
): Promise<QueueAnswer> {
  const { spool, delivery } = configuration
  const common = { clock: systemClock, log: silentLog }
  const queue = await openSpool({ ...common, disk: systemDisk, ...spool })
  try {
    const current = () => configuration
    const desk = new QueueDesk({
      ...common,
      queue,
      router: createRouter({
        mailRoot: delivery.maildirs,
        tables: () => routingTables(configuration),
      }),
      bouncer: openBouncer({ ...common, queue, random: systemRandom, current }),
      pauses: await Pauses.open(systemDisk, pausesFile(spool.path)),
    })
    return await answerRequest(desk, request)
  } finally {
    await queue.close()
  }
}

/** Where a spool says what is paused. */
export function pausesFile(spool: string): string {
  return `${spool}/paused`
}

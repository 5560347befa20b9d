/** Steers the queue of a configuration folder: the running gateway does it, or, where none runs, we do. */
import { askGateway } from '../control/control-client.ts'
import { Pauses, pausesFile } from '../delivery/pauses.ts'
import { QueueDesk } from '../delivery/queue-desk.ts'
import { createRouter } from '../delivery/router.ts'
import type { Configuration } from '../config/configuration.ts'
import { isPosternError } from '../mail/errors.ts'
import { openSpool } from '../queue/open-spool.ts'
import { shardPath, shardsOf } from '../queue/shards.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { askSupervisor } from './ask-supervisor.ts'
import { silentLog } from './silent-log.ts'
import { openBouncer } from './open-bouncer.ts'
import { controlSocket } from './control-socket.ts'
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
  // It speaks for all workers, and to a group where the operator wants that.
  const answer = await askSupervisor(folder, 'queue', writeRequest(request))
  return answer === undefined ? steerWorkers(folder, request) : readAnswerOf(answer)
}

/** The same without the supervisor: it does so itself. @throws PosternError as `steerQueue` */
export async function steerWorkers(folder: string, request: QueueRequest): Promise<QueueAnswer> {
  const configuration = readOffline(folder)
  const spool = configuration.spool.path
  const shards = await shardsOf(systemDisk, spool)
  const paths = shards.map((shard) => shardPath(spool, shard))
  const answers: QueueAnswer[] = []
  for (const path of paths) {
    const answer = await askWorker(path, request)
    if (answer !== undefined) answers.push(answer)
  }
  // Whoever answers speaks for all shards that are theirs; where nobody does, no gateway runs.
  if (answers.length > 0) return answers.reduce(together)
  for (const path of paths) answers.push(await steerOffline(configuration, path, request))
  return answers.reduce(together)
}

/** Each worker has a socket beside its own shard. @returns undefined where nobody listens */
async function askWorker(spool: string, request: QueueRequest): Promise<QueueAnswer | undefined> {
  const { path } = controlSocket(spool)
  try {
    const ask = { verb: 'queue', of: writeRequest(request) }
    return readAnswerOf(await askGateway(ask, { net: nodeNet, clock: systemClock, path }))
  } catch (error) {
    if (isPosternError(error, 'CONNECT_FAILED')) return undefined
    throw error
  }
}

function together(a: QueueAnswer, b: QueueAnswer): QueueAnswer {
  if (a.what !== 'applied' || b.what !== 'applied') return b
  const { count, ids, missing = [] } = b.applied
  // What one of them does not have another one may.
  const gone = (a.applied.missing ?? []).filter((id) => missing.includes(id))
  return {
    what: 'applied',
    applied: {
      count: a.applied.count + count,
      ids: [...a.applied.ids, ...ids],
      ...(gone.length === 0 ? {} : { missing: gone }),
    },
  }
}

/** Under the spool's lock. Plugins are not loaded: a route that only they know is not found. */
async function steerOffline(
  configuration: Configuration,
  path: string,
  request: QueueRequest,
): Promise<QueueAnswer> {
  const { spool, delivery } = configuration
  const common = { clock: systemClock, random: systemRandom, log: silentLog }
  const queue = await openSpool({ ...common, disk: systemDisk, ...spool, path })
  try {
    const current = () => configuration
    const desk = new QueueDesk({
      ...common,
      queue,
      router: createRouter({
        mailRoot: delivery.maildirs,
        tables: () => routingTables(configuration),
      }),
      bouncer: openBouncer({ ...common, queue, disk: systemDisk, current }),
      pauses: await Pauses.open(systemDisk, pausesFile(spool.path)),
    })
    return await answerRequest(desk, request)
  } finally {
    await queue.close()
  }
}

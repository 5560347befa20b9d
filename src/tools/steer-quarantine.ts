/** Steers the quarantine of a configuration folder: the running gateway does it, or, where none runs, we do. */
import type { Configuration } from '../config/configuration.ts'
import { askGateway } from '../control/control-client.ts'
import { isPosternError } from '../mail/errors.ts'
import { QuarantineDesk, type HeldDetails } from '../quarantine/desk.ts'
import type { HeldMessage } from '../quarantine/held-message.ts'
import { openSpool } from '../queue/open-spool.ts'
import { shardPath, shardsOf } from '../queue/shards.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { askSupervisor } from './ask-supervisor.ts'
import { silentLog } from './silent-log.ts'
import { controlSocket } from './control-socket.ts'
import {
  answerQuarantine,
  asJson,
  readQuarantineAnswer,
  type QuarantineAnswer,
  type QuarantineRequest,
} from './quarantine-requests.ts'
import { readOffline } from './read-offline.ts'

export type { HeldDetails, HeldMessage, QuarantineRequest }

/**
 * @param folder the configuration folder
 * @throws PosternError CONFIG_INVALID; SPOOL_LOCKED where a gateway runs that does not answer; what the queue throws
 */
export async function steerQuarantine(
  folder: string,
  request: QuarantineRequest,
): Promise<QuarantineAnswer> {
  // It speaks for all workers, and to a group where the operator wants that.
  const answer = await askSupervisor(folder, 'quarantine', asJson(request))
  return answer === undefined ? quarantineOfWorkers(folder, request) : readQuarantineAnswer(answer)
}

/** The same without the supervisor: it does so itself. @throws PosternError as `steerQuarantine` */
export async function quarantineOfWorkers(
  folder: string,
  request: QuarantineRequest,
): Promise<QuarantineAnswer> {
  const configuration = readOffline(folder)
  const spool = configuration.spool.path
  const paths = (await shardsOf(systemDisk, spool)).map((shard) => shardPath(spool, shard))
  const answers: QuarantineAnswer[] = []
  for (const path of paths) {
    const answer = await askWorker(path, request)
    if (answer !== undefined) answers.push(answer)
  }
  // Whoever answers speaks for all shards that are theirs; where nobody does, no gateway runs.
  if (answers.length > 0) return together(answers)
  for (const path of paths) answers.push(await steerOffline(configuration, path, request))
  return together(answers)
}

async function askWorker(
  spool: string,
  request: QuarantineRequest,
): Promise<QuarantineAnswer | undefined> {
  const { path } = controlSocket(spool)
  try {
    const ask = { verb: 'quarantine', of: asJson(request) }
    return readQuarantineAnswer(await askGateway(ask, { net: nodeNet, clock: systemClock, path }))
  } catch (error) {
    if (isPosternError(error, 'CONNECT_FAILED')) return undefined
    throw error
  }
}

/** Newest first. */
function together(answers: readonly QuarantineAnswer[]): QuarantineAnswer {
  const details = answers.find((answer) => answer.details !== undefined)?.details
  const learned = answers.flatMap((answer) => answer.learned ?? [])
  return {
    count: answers.reduce((sum, { count }) => sum + count, 0),
    held: answers.flatMap(({ held }) => held).toSorted((a, b) => b.receivedAt - a.receivedAt),
    ...(details === undefined ? {} : { details }),
    ...(learned.length === 0 ? {} : { learned }),
  }
}

/** Under the spool's lock. No scanner is there to learn. */
async function steerOffline(
  { spool }: Configuration,
  path: string,
  request: QuarantineRequest,
): Promise<QuarantineAnswer> {
  const common = { clock: systemClock, random: systemRandom, log: silentLog }
  const queue = await openSpool({ ...common, disk: systemDisk, ...spool, path })
  try {
    const desk = new QuarantineDesk({ ...common, queue, learners: () => [] })
    return await answerQuarantine(desk, request)
  } finally {
    await queue.close()
  }
}

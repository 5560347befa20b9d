/** Each worker of a running gateway is asked at its own control socket, which lies in its shard of the spool. */
import { askGateway } from '../control/control-client.ts'
import type { ControlRequest } from '../control/control.ts'
import { isPosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import { shardPath, shardsOf } from '../queue/shards.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Net } from '../runtime/net.ts'
import { controlSocket } from './control-socket.ts'

export interface AskingDoors {
  readonly clock: Clock
  readonly disk: Pick<Disk, 'list'>
  readonly net: Pick<Net, 'connect'>
}

export interface Asked {
  /** The path of the spool. */
  readonly spool: string
  /** Shards whose worker need not be asked. */
  readonly but?: readonly number[]
  /** For an answer that is not worth waiting for long. */
  readonly timeoutMs?: number
}

/**
 * @returns what those answer that do
 * @throws PosternError NOT_ALLOWED
 */
export async function askWorkers(
  request: ControlRequest,
  doors: AskingDoors,
  { spool, but = [], ...patience }: Asked,
): Promise<readonly JsonValue[]> {
  const { net, clock, disk } = doors
  const shards = (await shardsOf(disk, spool)).filter((shard) => !but.includes(shard))
  const answers = await Promise.all(
    shards.map(async (shard) => {
      const { path } = controlSocket(shardPath(spool, shard))
      try {
        return [await askGateway(request, { net, clock, path, ...patience })]
      } catch (error) {
        if (isPosternError(error) && error.code !== 'NOT_ALLOWED') return []
        throw error
      }
    }),
  )
  return answers.flat()
}

import { askGateway } from '../control/control-client.ts'
import { shardPath, shardsOf } from '../queue/shards.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { controlSocket } from './open-control.ts'

/** What a busy gateway has not written by then is found by whoever asks again. */
const timeoutMs = 3_000

/**
 * Has a running gateway write down what it has seen so far: traces are gathered for a moment, and whoever asks right after
 * a reply is to find its trace. Where nobody answers, what is written counts.
 *
 * @param spool its folder
 */
export async function haveTracesWritten(spool: string): Promise<void> {
  const shards = await shardsOf(systemDisk, spool).catch(() => [])
  const asked = shards.map((shard) => {
    const { path } = controlSocket(shardPath(spool, shard))
    const asking = { net: nodeNet, clock: systemClock, path, timeoutMs }
    return askGateway({ verb: 'traces', of: {} }, asking).catch(() => undefined)
  })
  await Promise.all(asked)
}

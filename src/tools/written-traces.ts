import { shardPath, shardsOf } from '../queue/shards.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { controlSocket } from './control-socket.ts'

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
  const sockets = shards.map((shard) => controlSocket(shardPath(spool, shard)).path)
  await Promise.all(sockets.map((path) => askWriter(path).catch(() => undefined)))
}

/** Where nothing runs, what would ask it is not even loaded. */
async function askWriter(path: string): Promise<void> {
  if ((await systemDisk.stat(path)) === undefined) return
  const [{ askGateway }, { nodeNet }] = await Promise.all([
    import('../control/control-client.ts'),
    import('../runtime/node/net.ts'),
  ])
  await askGateway(
    { verb: 'traces', of: {} },
    { net: nodeNet, clock: systemClock, path, timeoutMs },
  )
}

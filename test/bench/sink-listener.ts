/** The receiver with a queue that promises and forgets: what asks which policy is all that differs from one sink to another. */
import { PosternError } from '../../src/mail/errors.ts'
import type { Message } from '../../src/mail/message.ts'
import { Receipt } from '../../src/queue/receipt.ts'
import type { Draft } from '../../src/queue/queue.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { processCounters } from '../../src/runtime/node/counters.ts'
import { jsonLog } from '../../src/runtime/node/log.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { hostProcess } from '../../src/runtime/node/process.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import type { Net } from '../../src/runtime/net.ts'
import { listen } from '../../src/smtp/listener.ts'
import type { Policy } from '../../src/smtp/policy.ts'

const nothing: Message = {
  sizeBytes: 0,
  bodyOffset: 0,
  header: { fields: [], cut: false, first: () => undefined, all: () => [] },
  eightBit: false,
  mime: () => Promise.reject(new PosternError('NOT_FOUND', 'this sink keeps nothing')),
  async *read() {},
}

const receipt = new Receipt(['sink'], 0)
const draft: Draft = {
  write: () => {},
  end: () => nothing,
  commit: () => Promise.resolve(receipt),
  abort: () => {},
}

/** Listens on the port, or on one that the system chooses, and prints it. */
export async function listenAsSink(
  policy: Policy,
  port: number,
  net: Net = nodeNet,
): Promise<void> {
  const listener = await listen(
    {
      name: 'bench',
      address: { host: '127.0.0.1', port },
      maxConnections: 20_000,
      maxConnectionsPerAddress: 20_000,
    },
    {
      policy,
      queue: { begin: () => draft },
      tls: () => undefined,
      doors: {
        net,
        clock: systemClock,
        counters: processCounters(),
        process: hostProcess,
        random: systemRandom,
        log: jsonLog('info', 2),
      },
    },
  )
  process.stdout.write(`${'port' in listener.address ? listener.address.port : ''}\n`)
}

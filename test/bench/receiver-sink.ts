/**
 * The receiver alone: a policy that passes everything at once, a queue that promises and forgets. Beside the bare sink
 * it shows what the protocol costs.
 *
 *   node test/bench/receiver-sink.ts [port]      prints the port it listens on
 */
import { emptyEnvironment } from '../../src/mail/environment.ts'
import { PosternError } from '../../src/mail/errors.ts'
import type { Message } from '../../src/mail/message.ts'
import { passRuling } from '../../src/mail/ruling.ts'
import { Receipt } from '../../src/queue/receipt.ts'
import type { Draft } from '../../src/queue/queue.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { processCounters } from '../../src/runtime/node/counters.ts'
import { jsonLog } from '../../src/runtime/node/log.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { hostProcess } from '../../src/runtime/node/process.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import { listen } from '../../src/smtp/listener.ts'
import type { Policy, ReceiverSettings } from '../../src/smtp/policy.ts'
import { testSettings } from '../../src/testkit/scripted-policy.ts'

const settings: ReceiverSettings = {
  ...testSettings,
  hostname: 'sink.test',
  greeting: 'sink.test ESMTP',
  maxMessageBytes: 50_000_000,
  maxRecipients: 1_000,
  mechanisms: ['PLAIN'],
}

const passing: Policy = {
  introduce: () => ({ environment: emptyEnvironment, denied: false, limits: {} }),
  open: () => ({
    environment: emptyEnvironment,
    settings,
    connect: () => passRuling,
    hello: () => passRuling,
    secretFor: () => ({ ruling: 'reject', status: '5.7.8', text: 'No', close: false }),
    auth: () => ({ ruling: 'reject', status: '5.7.8', text: 'No', close: false }),
    mail: () => passRuling,
    rcpt: () => passRuling,
    data: () => passRuling,
    message: ({ transaction: { reversePath, recipients } }) => ({
      ruling: 'commit',
      placements: [
        {
          envelope: {
            reversePath,
            recipients,
            bodyType: '7bit',
            smtputf8: false,
            requireTls: false,
          },
          disposition: 'deliver',
          headerEdits: [],
        },
      ],
    }),
    transactionEnded: () => {},
    sessionEnded: () => {},
  }),
}

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

const listener = await listen(
  {
    name: 'bench',
    address: { host: '127.0.0.1', port: Number(process.argv[2] ?? 0) },
    maxConnections: 20_000,
    maxConnectionsPerAddress: 20_000,
  },
  {
    policy: passing,
    queue: { begin: () => draft },
    tls: () => undefined,
    doors: {
      net: nodeNet,
      clock: systemClock,
      counters: processCounters(),
      process: hostProcess,
      random: systemRandom,
      log: jsonLog({ level: 'info', to: 2 }),
    },
  },
)
process.stdout.write(`${'port' in listener.address ? listener.address.port : ''}\n`)

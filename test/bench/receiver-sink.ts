/**
 * The receiver alone: a policy that passes everything at once, a queue that promises and forgets. Beside the bare sink
 * it shows what the protocol costs.
 *
 *   node test/bench/receiver-sink.ts [port]      prints the port it listens on
 */
import { emptyEnvironment } from '../../src/mail/environment.ts'
import { passRuling } from '../../src/mail/ruling.ts'
import type { Policy, ReceiverSettings } from '../../src/smtp/policy.ts'
import { testSettings } from '../../src/testkit/scripted-policy.ts'
import { listenAsSink } from './sink-listener.ts'

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
  tlsFor: () => undefined,
  open: () => ({
    environment: emptyEnvironment,
    settings,
    connect: () => passRuling,
    hello: () => passRuling,
    secretFor: () => ({ ruling: 'reject', status: '5.7.8', text: 'No', close: false }),
    auth: () => ({ ruling: 'reject', status: '5.7.8', text: 'No', close: false }),
    mail: () => passRuling,
    mailRefused: () => {},
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

await listenAsSink(passing, Number(process.argv[2] ?? 0))

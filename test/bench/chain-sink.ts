/**
 * The receiver with the whole envelope chain on local data: lists, RELAYCLIENT, rcpthosts, DNS lists, MFCHECK, SPF, a rate, a
 * greylist that knows everybody, validrcptto.cdb. Beside the receiver alone it shows what the chain costs.
 *
 *   node test/bench/chain-sink.ts PORT FOLDER      FOLDER is made by chain-data.ts
 */
import { badmailfrom } from '../../plugins/badmailfrom/badmailfrom.ts'
import { dnsbl } from '../../plugins/dnsbl/dnsbl.ts'
import { greylist } from '../../plugins/greylist/greylist.ts'
import { lists } from '../../plugins/lists/lists.ts'
import { mfcheck } from '../../plugins/mfcheck/mfcheck.ts'
import { rateLimit } from '../../plugins/rate-limit/rate-limit.ts'
import { rcpthosts } from '../../plugins/rcpthosts/rcpthosts.ts'
import { relayClients } from '../../plugins/relay-clients/relay-clients.ts'
import { rhsbl } from '../../plugins/rhsbl/rhsbl.ts'
import { spf } from '../../plugins/spf/spf.ts'
import { validrcptto } from '../../plugins/validrcptto/validrcptto.ts'
import { configurationResources } from '../../src/config/resources.ts'
import { buildGeneration } from '../../src/filter/build-generation.ts'
import { FilterPolicy } from '../../src/filter/policy.ts'
import { StandIn } from '../../src/filter/stand-in.ts'
import { emptyEnvironment } from '../../src/mail/environment.ts'
import { cachingDns } from '../../src/runtime/caching-dns.ts'
import type { Connection, Net } from '../../src/runtime/net.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { processCounters } from '../../src/runtime/node/counters.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import { jsonLog } from '../../src/runtime/node/log.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { openStore } from '../../src/runtime/node/store.ts'
import { entryOf } from '../../src/testkit/chain-under-test.ts'
import { fakeDns } from '../../src/testkit/fake-dns.ts'
import { openTraces } from '../../src/tools/open-traces.ts'
import { offlineDoors } from '../../src/tools/offline-doors.ts'
import { clientAddress, tablesPerStore } from './chain-data.ts'
import { listenAsSink } from './sink-listener.ts'

const [port = '0', folder = '.'] = process.argv.slice(2)
const log = jsonLog('error', 2)
const store = await openStore({ path: `${folder}/store.db`, clock: systemClock, log })
const traces = await openTraces(
  {
    path: `${folder}/traces.db`,
    maxRecords: tablesPerStore,
    maxAgeMs: Infinity,
    maxBytes: 1e9,
    headBytes: 8_192,
    answers: true,
  },
  log,
)
const dns = cachingDns(
  fakeDns({
    'client.test': {
      mx: [{ exchange: 'mx.client.test', preference: 10 }],
      addresses: [clientAddress],
      txt: [`v=spf1 ip4:${clientAddress} -all`],
    },
  }),
  { clock: systemClock },
)
const off = { self_test: false }
const place = { file: 'bench', path: [], lineOf: () => undefined }
const built = buildGeneration({
  entries: [
    entryOf(relayClients),
    entryOf(lists),
    entryOf(rcpthosts),
    entryOf(dnsbl, { options: { lists: ['a.list.test', 'b.list.test', 'c.list.test'], ...off } }),
    entryOf(badmailfrom),
    entryOf(mfcheck, { options: { level: '1' } }),
    entryOf(rhsbl, { options: { lists: ['d.list.test'], ...off } }),
    entryOf(spf),
    entryOf(rateLimit, { options: { client: '999999999/h', recipient: '999999999/h' } }),
    entryOf(greylist, { options: { good_mail: 0, allow_after: 0 } }),
    entryOf(validrcptto),
  ],
  doors: { ...offlineDoors(), counters: processCounters(), dns, log, store },
  keepsAnswers: process.env['POSTERN_BENCH_ANSWERS'] !== 'off',
  resources: configurationResources(folder, { disk: systemDisk, log }),
  thresholds: {},
  receiver: { options: undefined, place, defaults: { hostname: 'sink.test' } },
  listeners: [{ name: 'bench', tls: false }],
})
if (!built.ok) throw new Error(JSON.stringify(built.mistakes))
const failure = await built.generation.open()
if (failure !== undefined) throw new Error(failure.detail)

const policy = new FilterPolicy({
  generation: built.generation,
  environmentOf: () => ({ environment: emptyEnvironment, denied: false }),
  clock: systemClock,
  log,
  traces,
  standIn: new StandIn(new Uint8Array(32)),
})
await listenAsSink(policy, Number(port), fromAfar(nodeNet))

/** This host itself is asked nothing about: the client comes from somewhere else. */
function fromAfar(net: Net): Net {
  return {
    ...net,
    listen: (options) =>
      net.listen({ ...options, accepted: (connection) => options.accepted(moved(connection)) }),
  }
}

function moved(connection: Connection): Connection {
  return {
    remote: { ...connection.remote, address: clientAddress },
    local: connection.local,
    attach: (handlers) => connection.attach(handlers),
    write: (data) => connection.write(data),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    end: () => connection.end(),
    close: () => connection.close(),
    destroy: () => connection.destroy(),
    startTls: (options) => connection.startTls(options),
  }
}

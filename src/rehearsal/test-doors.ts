/** The world of one policy test: what its file says, an empty memory, a clock of its own. What it does not say fails, and is noted. */
import type { PolicyTest } from '../config/policy-tests.ts'
import { PosternError } from '../mail/errors.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import type { AccountReader } from '../runtime/accounts.ts'
import type { Dns } from '../runtime/dns.ts'
import { metricRegistry } from '../runtime/metrics/registry.ts'
import type { Net } from '../runtime/net.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { processCounters } from '../runtime/node/counters.ts'
import { fakeClock, type FakeClock } from '../testkit/fake-clock.ts'
import { fakeContinuations } from '../testkit/fake-continuations.ts'
import { fakeNet } from '../testkit/fake-net.ts'
import { fakePrograms } from '../testkit/fake-programs.ts'
import { inlineJobs } from '../testkit/inline-jobs.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { givenDns, withClient } from './given-dns.ts'

export interface TestWorld {
  readonly clock: FakeClock
  readonly log: ReturnType<typeof recordingLog>
  readonly doors: ChainDoors
  /** What was asked and is not given, each once, since `begin`. */
  readonly missing: ReadonlySet<string>
  /** From here on it counts: what entries ask when they are opened says nothing about mail. */
  begin(): void
}

/** What is as it is on this host. */
export interface RealDoors {
  readonly accounts: AccountReader
  readonly dns: Dns
}

export function testWorld(test: PolicyTest, real: RealDoors): TestWorld {
  const clock = fakeClock(test.at === undefined ? undefined : Date.parse(test.at))
  const log = recordingLog()
  const missing = new Set<string>()
  let begun = false
  const note = (what: string): void => {
    if (begun) missing.add(what)
  }
  const dns = test.dns === 'real' ? real.dns : givenDns(withClient(test.dns, test), note)
  return {
    clock,
    log,
    missing,
    begin: () => void (begun = true),
    doors: {
      accounts: real.accounts,
      clock,
      continuations: fakeContinuations(),
      counters: processCounters(clock),
      dns,
      jobs: inlineJobs(dns),
      log,
      metrics: metricRegistry(clock),
      net: test.net === 'real' ? nodeNet : noNet(note),
      programs: notedPrograms(note),
      random: seededRandom(1),
      store: memoryStore(clock),
    },
  }
}

function noNet(note: (what: string) => void): Net {
  return {
    ...fakeNet(),
    connect({ address }) {
      const name = 'path' in address ? address.path : `${address.host}:${address.port}`
      note(`an entry connects to ${name}`)
      return Promise.reject(new PosternError('CONNECT_FAILED', `${name}: not in a test`))
    },
  }
}

function notedPrograms(note: (what: string) => void): ChainDoors['programs'] {
  const none = fakePrograms()
  return {
    canStart: (path) => none.canStart(path),
    run(call, signal) {
      note(`an entry runs ${call.command[0]}`)
      return none.run(call, signal)
    },
    start(call) {
      note(`an entry starts ${call.command[0]}`)
      return none.start(call)
    },
  }
}

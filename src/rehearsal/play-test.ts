/** Plays one policy test: a receiver, the chain of a configuration, a queue and a client in memory. */
import type { Configuration, ListenerConfiguration } from '../config/configuration.ts'
import { clientEnvironments } from '../config/client-environment.ts'
import type { PolicyTest } from '../config/policy-tests.ts'
import type { EntryConfig } from '../filter/entry.ts'
import type { Generation } from '../filter/generation.ts'
import { FilterPolicy } from '../filter/policy.ts'
import { StandIn } from '../filter/stand-in.ts'
import type { Trace } from '../filter/trace-reader.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { memoryArchive } from '../testkit/memory-archive.ts'
import type { Committed } from '../testkit/memory-queue.ts'
import { settled, smtpStage } from '../testkit/smtp-stage.ts'
import { ArchiveTraceSearch } from '../trace/archive-search.ts'
import { describeRecord } from '../trace/describe-record.ts'
import { playClient, NoReply, testPassword, type ClientReply } from './test-client.ts'
import { testWorld, type RealDoors } from './test-doors.ts'

export interface PlayedTest {
  readonly replies: readonly ClientReply[]
  /** What was promised, quarantined and discarded messages included. */
  readonly commits: readonly Committed[]
  /** Of the transaction, or of a connection that was refused before it. */
  readonly trace?: Trace
  /** Questions to the world that the test does not answer. */
  readonly missing: readonly string[]
  /** Faults of entries, in words. */
  readonly faults: readonly string[]
  /** Why it could not be played to its end. */
  readonly problem?: string
}

export interface PlayRequest {
  readonly test: PolicyTest
  readonly message: Uint8Array | undefined
  readonly configuration: Configuration
  readonly real: RealDoors
  /** A generation of these entries, not open; each test has one of its own. */
  readonly build: (
    entries: (chain: readonly EntryConfig[]) => readonly EntryConfig[],
    doors: ChainDoors,
  ) => Generation
}

export async function playTest(request: PlayRequest): Promise<PlayedTest> {
  const { test, configuration, real } = request
  const listener = listenerOf(test, configuration.listeners)
  if (listener === undefined) return unplayed(`there is no listener ${test.listener ?? ''}`)
  const world = testWorld(test, real)
  const unknown = test.off.find((name) => !configuration.chain.some((each) => each.name === name))
  if (unknown !== undefined) return unplayed(`the chain has no entry ${unknown}`)
  const generation = request.build((chain) => entriesOf(test, chain), world.doors)
  const failure = await generation.open()
  if (failure !== undefined) return unplayed(`${failure.entry} cannot be opened: ${failure.detail}`)
  const { clock, log } = world
  const traces = memoryArchive(describeRecord)
  const policy = new FilterPolicy({
    generation,
    environmentOf: rulesOf(configuration),
    nameOf: () => test.client_name,
    clock,
    log,
    traces,
    standIn: new StandIn(world.doors.random.bytes(32)),
  })
  const implicitTls = listener.tls?.mode === 'implicit'
  const stage = await smtpStage({
    clock,
    through: () => policy,
    withoutCertificate: listener.tls === undefined,
    listener: { name: listener.name, tls: listener.tls?.mode ?? 'off' },
  })
  await settled()
  world.begin()
  const script = {
    test,
    message: request.message,
    clock,
    implicitTls,
    lmtp: listener.role === 'lmtp',
    realTime: test.dns === 'real' || test.net === 'real',
  }
  try {
    const client = await stage.dial(test.client)
    const { replies, problem } = await heard(playClient(client, script))
    await stage.listener.close(0)
    const trace = await new ArchiveTraceSearch(traces).read('last')
    return {
      replies,
      commits: stage.queue.commits,
      ...(trace === undefined ? {} : { trace }),
      missing: [...world.missing],
      faults: faultsOf(trace),
      ...(problem === undefined ? {} : { problem }),
    }
  } finally {
    await generation.retire()
  }
}

async function heard(
  playing: Promise<readonly ClientReply[]>,
): Promise<{ readonly replies: readonly ClientReply[]; readonly problem?: string }> {
  try {
    return { replies: await playing }
  } catch (error) {
    if (!(error instanceof NoReply)) throw error
    return { replies: [], problem: error.message }
  }
}

function unplayed(problem: string): PlayedTest {
  return { replies: [], commits: [], missing: [], faults: [], problem }
}

/** Where nothing is said, the first; undefined where none of that name takes mail by SMTP. */
export function listenerOf(
  { listener }: { readonly listener?: string | undefined },
  listeners: readonly ListenerConfiguration[],
): ListenerConfiguration | undefined {
  const others = new Set(['pop3', 'pop3s', 'qmtp', 'qmqp'])
  const forMail = listeners.filter(({ role }) => !others.has(role))
  return listener === undefined ? forMail[0] : forMail.find(({ name }) => name === listener)
}

function rulesOf(
  configuration: Configuration,
): ConstructorParameters<typeof FilterPolicy>[0]['environmentOf'] {
  const { tcpRules, tcpRulesFile } = configuration
  const find = clientEnvironments(tcpRules, tcpRulesFile)
  return ({ remote, remoteName }) => find({ address: remote.address, host: remoteName })
}

/** Those that the test leaves out are off; who logs in is believed, and asked about by all others. */
function entriesOf(test: PolicyTest, chain: readonly EntryConfig[]): readonly EntryConfig[] {
  const entries = chain.map((entry) =>
    test.off.includes(entry.name) ? { ...entry, mode: 'off' as const } : entry,
  )
  const { login, file } = test
  if (login === undefined) return entries
  const plugin = definePlugin({
    name: 'policy-test-login',
    setup: () => ({
      verify: ({ user, password }) => user === login && password === testPassword,
    }),
  })
  const place = { file, path: [], lineOf: () => test.line }
  const entry = { name: plugin.name, plugin, mode: 'enforce', first: false, place } as const
  return [...entries, { ...entry, options: undefined }]
}

function faultsOf(trace: Trace | undefined): readonly string[] {
  return (trace?.steps ?? []).flatMap(({ fault, entry, mode }) =>
    fault === undefined || mode === 'shadow' ? [] : [`${entry}: ${fault.kind}, ${fault.detail}`],
  )
}

/**
 * The entry dnsbl beside the original rblsmtpd (Debian's ucspi-tcp), on the same lists by rbldnsd: the same decision in the
 * same words, for clients, lists, flags and RBLSMTPD that nobody chose. `-a` comes first: here it does not matter where it is.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dnsbl } from '../../plugins/dnsbl/dnsbl.ts'
import { nodeDns } from '../../src/runtime/node/dns.ts'
import { pluginUnderTest } from '../../src/testkit/index.ts'
import { component, isMissing } from '../setup/components.ts'

const lists = {
  bad: ':127.0.0.2:Bad, see http://bad.test/?$\n192.0.2.1\n192.0.2.3\n192.0.2.16/29\n',
  worse: ':127.0.0.4:Worse than bad\n192.0.2.2\n192.0.2.3\n192.0.2.20\n',
  good: ':127.0.0.9:A good one\n192.0.2.3\n192.0.2.17\n192.0.2.40\n',
}

/** rblsmtpd asks port 53 and no other: an address of loopback that nobody else here uses. */
const server = `127.53.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`
const isRoot = process.getuid?.() === 0

interface Scenario {
  readonly address: string
  readonly forGood: boolean
  readonly lists: readonly string[]
  readonly allow: readonly string[]
  /** RBLSMTPD, where a rule sets it. */
  readonly override: string | undefined
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  address: fc.constantFrom(1, 2, 3, 4, 16, 17, 20, 40).map((last) => `192.0.2.${last}`),
  forGood: fc.boolean(),
  lists: fc.shuffledSubarray(['bad.test', 'worse.test', 'good.test'], { minLength: 1 }),
  allow: fc.subarray(['good.test']),
  override: fc.option(fc.constantFrom('', '-', '-Never', 'Not now', '--', ' '), {
    nil: undefined,
    freq: 2,
  }),
})

type Decision = 'in' | `${4 | 5} ${string}`

function original(scenario: Scenario): Decision {
  const { address, forGood, override } = scenario
  const flags = [
    '-t0',
    ...(forGood ? ['-b'] : []),
    ...scenario.allow.flatMap((list) => ['-a', list]),
    ...scenario.lists.flatMap((list) => ['-r', list]),
  ]
  const { stdout } = spawnSync(component('rblsmtpd')!.path, [...flags, 'echo', 'in'], {
    encoding: 'latin1',
    timeout: 20_000,
    env: {
      PATH: process.env['PATH'],
      TCPREMOTEIP: address,
      DNSCACHEIP: server,
      ...(override === undefined ? {} : { RBLSMTPD: override }),
    },
  })
  const [, kind, text = ''] = /^([45])5[13] (.*)\r\n$/.exec(stdout) ?? []
  if (stdout === 'in\n') return 'in'
  if (kind === undefined) throw new Error(`rblsmtpd said ${JSON.stringify(stdout)}`)
  return `${kind === '4' ? 4 : 5} ${text}`
}

async function ours({ address, forGood, lists, allow, override }: Scenario): Promise<Decision> {
  const plugin = pluginUnderTest(dnsbl, {
    options: { lists, allow, self_test: false, refuse: forGood ? 'reject' : 'defer' },
    session: { remote: { address, port: 1 } },
    doors: { dns: nodeDns({ servers: [server] }) },
    ...(override === undefined ? {} : { environment: { RBLSMTPD: override } }),
  })
  const said = await plugin.connect()
  if (said.verdict === 'defer') return `4 ${said.text}`
  return said.verdict === 'reject' ? `5 ${said.text}` : 'in'
}

/** Nobody is refused without a word here. */
function wordless(decision: Decision): Decision {
  return decision.endsWith(' Refused by local policy')
    ? `${decision.startsWith('4') ? 4 : 5} `
    : decision
}

describe.skipIf(isMissing('rbldnsd') || isMissing('rblsmtpd') || !isRoot)('rblsmtpd', () => {
  let zones: string
  let daemon: ChildProcess

  beforeAll(async () => {
    zones = await mkdtemp(join(tmpdir(), 'postern-zones-'))
    await chmod(zones, 0o755)
    await Promise.all(
      Object.entries(lists).map(([name, text]) => writeFile(join(zones, name), text)),
    )
    const sets = Object.keys(lists).map((name) => `${name}.test:ip4set:${name}`)
    const args = ['-n', '-u', 'nobody', '-b', `${server}/53`, '-w', zones, ...sets]
    daemon = spawn(component('rbldnsd')!.path, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(daemon.stdout!, 'data')
  })

  afterAll(async () => {
    daemon.kill()
    await rm(zones, { recursive: true, force: true })
  })

  test('decides as we do, in the same words', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const decision = original(scenario)
        seen.add(decision.slice(0, 1))
        expect(wordless(await ours(scenario))).toBe(decision)
      }),
      { numRuns: Number(process.env['POSTERN_RUNS'] ?? 80) },
    )
    expect([...seen].toSorted()).toEqual(['4', '5', 'i'])
  })
})

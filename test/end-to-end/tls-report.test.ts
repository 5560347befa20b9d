/** What was counted of outgoing TLS, by the command. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dayOf, TlsCounts } from '../../src/delivery/tls-rpt/counts.ts'
import { noPolicy } from '../../src/delivery/tls-rpt/sighting.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { openStore } from '../../src/runtime/node/store.ts'
import { recordingLog } from '../../src/testkit/recording-log.ts'
import { gatewayFolder, runPostern, type GatewayFolder } from './started-gateway.ts'

describe('postern tls-report', () => {
  let folder: GatewayFolder

  beforeAll(async () => {
    folder = await gatewayFolder()
    await mkdir(join(folder.config, '../var'), { recursive: true })
    const path = join(folder.config, '../var/store.db')
    const store = await openStore({ path, clock: systemClock, log: recordingLog() })
    const counts = new TlsCounts(store, { now: () => systemClock.now(), run: 'a' })
    const hop = { name: 'mx.there.test', address: '192.0.2.1' }
    counts.count({ domain: 'there.test', policy: noPolicy, hop, outcome: {} })
    counts.count({
      domain: 'there.test',
      policy: { type: 'sts', lines: [], mx: ['mx.there.test'] },
      hop,
      outcome: { failure: 'certificate-expired', reason: 'expired \u001b[31m' },
    })
    counts.count({ domain: 'else.test', policy: noPolicy, hop, outcome: {} })
    await store.close()
  })

  afterAll(() => folder.remove())

  const report = (...args: readonly string[]) =>
    runPostern(['tls-report', ...args, '--config', folder.config])

  test('says of each domain how often it came to TLS, and why not', async () => {
    const { code, stdout } = await report()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^else\.test +no-policy-found +1 by TLS +0 failed$/m)
    expect(stdout).toMatch(/^there\.test +sts +0 by TLS +1 failed$/m)
    expect(stdout).toMatch(
      /^ +1 {2}certificate-expired {2}mx\.there\.test 192\.0\.2\.1 {2}expired /m,
    )
    expect(stdout).not.toContain('\u001b')
  })

  test('gives the report of one domain as JSON', async () => {
    const { stdout } = await report('--domain', 'There.test', '--json')
    expect(JSON.parse(stdout)).toMatchObject([
      {
        'date-range': { 'start-datetime': `${dayOf(systemClock.now())}T00:00:00Z` },
        policies: [{ summary: { 'total-successful-session-count': 1 } }, {}],
      },
    ])
  })

  test('has the answer no for a day without any, and takes nothing else for a day', async () => {
    expect(await report('--day', '2020-01-01')).toMatchObject({ code: 1, stdout: '' })
    expect(await report('--day', 'yesterday')).toMatchObject({ code: 2 })
  })
})

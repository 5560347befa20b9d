/** `postern metrics` on a gateway that runs, of one process and of several, and on one that does not. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { readPrometheusText, type PrometheusFamily } from '../../src/testkit/prometheus-text.ts'
import {
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const bob = ['bob', 'postern.test'] as const
let folder: GatewayFolder
let gateway: StartedGateway | undefined

afterEach(async () => {
  await gateway?.stop()
  gateway = undefined
  await folder.remove()
})

async function start(workers: number): Promise<StartedGateway> {
  folder = await gatewayFolder()
  const sample = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
  await folder.write(
    'postern.yaml',
    sample.replace('listeners:', `workers: ${workers}\nlisteners:`),
  )
  gateway = await startGateway(folder)
  return gateway
}

async function send(port: number): Promise<void> {
  const replies = await dialogue(port, [
    'EHLO client.test',
    'MAIL FROM:<ann@client.test>',
    'RCPT TO:<bob@postern.test>',
    'DATA',
    'Subject: counted\r\n\r\nhello\r\n.',
    'MAIL FROM:<ann@client.test>',
    'RCPT TO:<bob@elsewhere.test>',
    'QUIT',
  ])
  expect(replies[5]).toMatch(/^250 /)
  expect(replies[7]).toMatch(/^5/)
}

/** Once nothing is under way any more: a message leaves the queue after its delivery. */
async function metrics(): Promise<ReadonlyMap<string, PrometheusFamily>> {
  return eventually(async () => {
    const { code, stdout, stderr } = await runPostern(['metrics', '--config', folder.config])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const all = readPrometheusText(stdout)
    return sum(all, 'postern_queue_messages') === 0 ? all : undefined
  }, 'an empty queue')
}

/** The sum of the samples with these labels. */
function sum(
  families: ReadonlyMap<string, PrometheusFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const samples = families.get(name)?.samples ?? []
  return samples
    .filter((each) => each.name === name || each.name === `${name}_count`)
    .filter((each) =>
      Object.entries(labels).every(([label, value]) => each.labels.get(label) === value),
    )
    .reduce((total, { value }) => total + value, 0)
}

describe('postern metrics', () => {
  test('tells what a gateway did, in a text that Prometheus reads', async () => {
    const { port } = await start(1)
    await send(port)
    await delivered(folder, bob)
    const all = await metrics()
    expect(sum(all, 'postern_sessions_total', { listener: 'mx' })).toBe(1)
    expect(sum(all, 'postern_replies_total', { class: '5xx' })).toBe(1)
    expect(sum(all, 'postern_transactions_total', { outcome: 'committed' })).toBe(1)
    expect(
      sum(all, 'postern_deliveries_total', { transport: 'maildir', outcome: 'delivered' }),
    ).toBe(1)
    expect(
      sum(all, 'postern_entry_verdicts_total', { entry: 'rcpthosts', verdict: 'accept' }),
    ).toBe(1)
    expect(sum(all, 'postern_entry_seconds', { entry: 'rcpthosts', stage: 'rcpt' })).toBe(2)
    // The self-signed certificate that the sample shows.
    const expiry = sum(all, 'postern_certificate_expiry_timestamp_seconds', { listener: 'mx' })
    expect(expiry).toBeGreaterThan(Date.now() / 1000)
    expect(sum(all, 'postern_spool_sync_seconds')).toBeGreaterThan(0)
    expect(sum(all, 'postern_workers')).toBe(1)
    expect(sum(all, 'postern_config_loaded')).toBe(1)
    expect(sum(all, 'postern_disk_free_bytes')).toBeGreaterThan(0)
    expect(sum(all, 'postern_memory_bytes', { kind: 'resident' })).toBeGreaterThan(1e7)
  })

  test('adds up what several workers did', async () => {
    const { port } = await start(2)
    for (let n = 0; n < 4; n++) await send(port)
    await delivered(folder, bob, 4)
    const all = await metrics()
    expect(sum(all, 'postern_workers')).toBe(2)
    expect(sum(all, 'postern_workers_wanted')).toBe(2)
    expect(sum(all, 'postern_transactions_total', { outcome: 'committed' })).toBe(4)
    const started = all.get('postern_worker_start_time_seconds')?.samples ?? []
    expect(started.map(({ labels }) => labels.get('worker'))).toEqual(['1', '2'])
  }, 60_000)

  test('says no where no gateway runs', async () => {
    folder = await gatewayFolder()
    const { code, stderr } = await runPostern(['metrics', '--config', folder.config])
    expect(code).toBe(7)
    expect(stderr).toContain('no gateway runs')
  })
})

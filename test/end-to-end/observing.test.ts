/** Alerts by mail and webhook, and spans to a collector, from a gateway that runs. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { readExportRequest } from '../../src/testkit/otlp-collector.ts'
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
let service: Server | undefined

afterEach(async () => {
  await gateway?.stop()
  gateway = undefined
  service?.closeAllConnections()
  service?.close()
  await folder.remove()
})

interface Call {
  readonly path: string
  readonly signature: string
  readonly body: string
}

/** A web service that takes whatever it is told. */
async function webService(): Promise<{ readonly origin: string; readonly calls: readonly Call[] }> {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const signature = String(request.headers['x-postern-signature'])
      calls.push({ path: request.url ?? '', signature, body: Buffer.concat(chunks).toString() })
      response.end('{}')
    })
  })
  service = server
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { origin: `http://127.0.0.1:${port}`, calls }
}

async function start(section: string): Promise<StartedGateway> {
  folder = await gatewayFolder()
  const sample = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
  await folder.write('postern.yaml', `${sample}\n${section}`)
  await folder.write('webhook.secret', 'key\n')
  gateway = await startGateway(folder)
  return gateway
}

async function alerts(...args: readonly string[]) {
  const run = await runPostern(['alerts', ...args, '--config', folder.config])
  return { ...run, text: `${run.stderr}${run.stdout}`.trim() }
}

test('a configuration that is not loaded is told by mail and by a signed call, and so is its end', async () => {
  const { origin, calls } = await webService()
  await start(
    `alerts: { to: [bob@postern.test], webhook: "${origin}/hook", webhook_secret_file: webhook.secret, every: 1s }\n`,
  )
  expect((await alerts('test')).text).toBe('told')
  const [tested] = await delivered(folder, bob)
  expect(tested).toContain('Subject: [postern.test] test: test')
  expect(JSON.parse(calls[0]?.body ?? '')).toMatchObject({
    state: 'test',
    hostname: 'postern.test',
  })

  const good = await folder.read('postern.yaml')
  await folder.write('postern.yaml', `${good}\nnonsense: true\n`)
  await eventually(async () => (calls.length > 1 ? calls : undefined), 'the call')
  const { body = '', signature = '' } = calls[1] ?? {}
  expect(JSON.parse(body)).toMatchObject({ alert: 'config/not-loaded', state: 'begin' })
  const seconds = /^t=(\d+),/.exec(signature)?.[1]
  const expected = createHmac('sha256', 'key').update(`${seconds}.${body}`).digest('hex')
  expect(signature).toBe(`t=${seconds},v1=${expected}`)
  const mails = await delivered(folder, bob, 2)
  expect(mails.join('\n')).toContain('Subject: [postern.test] alert: config/not-loaded')
  expect((await alerts()).text).toContain('config/not-loaded')
  const { active } = JSON.parse((await alerts('list', '--json')).stdout)
  expect(active).toHaveLength(1)
}, 60_000)

test('one voice speaks for all workers', async () => {
  const { origin, calls } = await webService()
  await start(`workers: 2\nalerts: { webhook: "${origin}/hook", every: 1s }\n`)
  const damaged = join(folder.root, 'var/spool/shards/1/damaged')
  await writeFile(join(damaged, 'record'), 'set aside by a test\n')
  await eventually(async () => (calls.length > 0 ? calls : undefined), 'the call')
  // Had both a voice, the other would have called by then.
  const [active] = JSON.parse((await alerts('list', '--json')).stdout).active
  expect(active).toMatchObject({ key: 'spool/damaged' })
  expect(calls.map(({ body }) => JSON.parse(body))).toMatchObject([
    { alert: 'spool/damaged', state: 'begin', summary: expect.stringMatching(/^1 record/) },
  ])
}, 60_000)

test('who has no section alerts is told of that', async () => {
  await start('')
  const { code, text } = await alerts('test')
  expect(code).toBe(1)
  expect(text).toContain('there is no section alerts')
})

test('spans of a message and of its delivery reach the collector', async () => {
  const { origin, calls } = await webService()
  const { port } = await start(`telemetry: { traces: "${origin}/v1/traces", sample: 1 }\n`)
  await dialogue(port, [
    'EHLO client.test',
    'MAIL FROM:<ann@client.test>',
    'RCPT TO:<bob@postern.test>',
    'DATA',
    'Subject: traced\r\n\r\nhello\r\n.',
    'QUIT',
  ])
  await delivered(folder, bob)
  // What is put aside is sent before the end.
  await gateway?.stop()
  gateway = undefined
  const spans = calls.flatMap(({ body }) => readExportRequest(body))
  const root = spans.find(({ name }) => name === 'smtp transaction')
  const names = spans.map(({ name }) => name)
  expect(names).toContain('rcpthosts')
  expect(names).toContain('delivery maildir')
  expect(spans.find(({ name }) => name === 'delivery maildir')?.traceId).toBe(root?.traceId)
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
})

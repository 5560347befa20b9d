import { expect, test } from 'vitest'
import { memoryFiles } from '../testkit/memory-files.ts'
import { parseConfigDocument } from './document.ts'
import { readObserving, type ObservingConfiguration } from './observing-section.ts'
import { isMap, Reading } from './reading.ts'

function read(yaml: string): {
  readonly found: ObservingConfiguration
  readonly mistakes: readonly string[]
} {
  const { document } = parseConfigDocument('postern.yaml', yaml)
  if (document === undefined || !isMap(document.value)) throw new Error('no map')
  const reading = new Reading(document, memoryFiles())
  const files = new Map([
    ['good.secret', 'key\n'],
    ['empty.secret', '\n'],
  ])
  const found = readObserving(reading, document.value, (path) => files.get(path))
  return { found, mistakes: reading.mistakes.map(({ key, problem }) => `${key} ${problem}`) }
}

test('without the sections nobody is told and nothing is exported', () => {
  expect(read('log: {}')).toEqual({ found: {}, mistakes: [] })
})

test('whom to tell, and of what', () => {
  const { found, mistakes } = read(`
alerts:
  to: [postmaster@example.org]
  webhook: https://hooks.example.org/postern
  webhook_secret_file: good.secret
  queue_messages: 500
  deferred_age: 2d
`)
  expect(mistakes).toEqual([])
  expect(found.alerts).toMatchObject({
    to: [{ localPart: 'postmaster', domain: 'example.org' }],
    queueMessages: 500,
    queueAgeMs: 3_600_000,
    deferredAgeMs: 2 * 86_400_000,
    signaturesAgeMs: 3 * 86_400_000,
    certificateMs: 21 * 86_400_000,
    diskFreePercent: 10,
  })
  expect(found.alerts?.webhook?.url.href).toBe('https://hooks.example.org/postern')
  expect(found.alerts?.webhook?.secret?.reveal()).toBe('key')
})

test('where spans go, with header fields that nobody prints', () => {
  const { found, mistakes } = read(`
telemetry:
  traces: http://127.0.0.1:4318/v1/traces
  sample: 0.5
  headers: { Authorization: "Bearer x" }
`)
  expect(mistakes).toEqual([])
  expect(found.telemetry).toMatchObject({ sample: 0.5, service: 'postern' })
  expect(found.telemetry?.headers.get('Authorization')?.reveal()).toBe('Bearer x')
  expect(JSON.stringify([...(found.telemetry?.headers ?? [])])).not.toContain('Bearer')
})

test('mistakes are named', () => {
  expect(read('alerts: { every: 10s }').mistakes).toEqual(['alerts tells nobody'])
  expect(read('alerts: { to: [nobody], disk_free: 101 }').mistakes).toEqual([
    expect.stringContaining('alerts.disk_free'),
  ])
  expect(read('alerts: { to: ["no address"] }').mistakes).toEqual([
    "alerts.to[0] 'no address' is not an address",
  ])
  expect(
    read('alerts: { webhook: "ftp://x/", webhook_secret_file: empty.secret }').mistakes,
  ).toEqual([
    'alerts.webhook is no address of a web server',
    'alerts.webhook_secret_file empty.secret is missing or empty',
  ])
  expect(read('telemetry: { sample: 2, traces: "http://x/" }').mistakes).toEqual([
    expect.stringContaining('telemetry.sample'),
  ])
  expect(read('telemetry: { traces: "http://x/", headers: { "a b": c } }').mistakes).toEqual([
    'telemetry.headers.a b is no header field',
  ])
})

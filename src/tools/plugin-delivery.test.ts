import { describe, expect, test } from 'vitest'
import { buildGeneration } from '../filter/build-generation.ts'
import type { Generation } from '../filter/generation.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { PluginRoute, Route } from '../mail/route.ts'
import { definePlugin, type PluginInstance } from '../plugin/plugin.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { configurationResources } from '../config/resources.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { offlineDoors } from './offline-doors.ts'
import { silentLog } from './silent-log.ts'
import { pluginTransport, routerWithPlugins } from './plugin-delivery.ts'

const place = { file: 'postern.yaml', path: [], lineOf: () => undefined }
const recipient = { mailbox: { localPart: 'bob', domain: 'x.test' } }
const envelope = {
  reversePath: null,
  recipients: [recipient],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
} as const
const route: PluginRoute = { transport: 'plugin', key: 'p', entry: 'p' }
const smtp = { transport: 'smtp', key: 'p', lookup: 'host', host: 'h', port: 25 } as const
const delivered: DeliveryResult = { outcome: 'delivered', status: '2.0.0', text: 'ok' }
const next = { route: async () => ({ ...route, key: 'next' }) }

function generationOf(
  instance: PluginInstance<unknown, never, never>,
  mode: 'enforce' | 'shadow' = 'enforce',
): Generation {
  const plugin = definePlugin({ name: 'p', setup: () => instance })
  const built = buildGeneration({
    entries: [
      { name: 'p', plugin, mode, first: false, timeoutMs: 1000, options: undefined, place },
    ],
    doors: offlineDoors(),
    resources: configurationResources('/', { disk: systemDisk, log: silentLog }),
    thresholds: {},
    receiver: { options: undefined, place, defaults: { hostname: 'mx.test' } },
    listeners: [],
  })
  return built.ok ? built.generation : expect.fail(JSON.stringify(built.mistakes))
}

function stage(
  instance: PluginInstance<unknown, never, never>,
  mode: 'enforce' | 'shadow' = 'enforce',
) {
  const clock = fakeClock()
  const generation = generationOf(instance, mode)
  const parts = { generation: () => generation, clock }
  const carry = pluginTransport(parts)
  const message = memoryMessage('Subject: x\r\n\r\n')
  const delivery = { queueId: 'q', message, envelope, recipients: [recipient], route }
  return {
    clock,
    route: () => routerWithPlugins(parts, next).route(recipient, envelope),
    deliver: (signal = new AbortController().signal) => carry.deliver(delivery, signal),
  }
}

describe('a plugin that routes', () => {
  test('is asked before the control files, and leaves to them what it does not know', async () => {
    expect(await stage({ route: () => route }).route()).toBe(route)
    expect(await stage({ route: () => undefined }).route()).toMatchObject({ key: 'next' })
    expect(await stage({ route: () => route }, 'shadow').route()).toMatchObject({ key: 'next' })
  })

  test('and never answers has a fault at its deadline', async () => {
    const { clock, route: ask } = stage({ route: () => new Promise(() => {}) })
    const asked = ask()
    clock.advance(1000)
    await expect(asked).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})

describe('a plugin that routes where no route is', () => {
  test.each<[string, unknown]>([
    ['p: route answered the transport undefined', { verdict: 'pass' }],
    ["p: route answered the transport 'uucp'; there are maildir", { transport: 'uucp', key: 'p' }],
    ["p: route answered 'smtp' with the port '25'", { ...smtp, port: '25' }],
    ["p: route answered 'smtp' with the key undefined", { ...smtp, key: undefined }],
    [
      "p: route answered 'alias' with the to object",
      { transport: 'alias', key: 'p', to: ['bob@x.test'] },
    ],
    [
      "p: route answered 'fail' with the status '4.1.1'",
      { transport: 'fail', key: 'p', status: '4.1.1', text: '' },
    ],
    ['p: route answered null', null],
  ])('leaves none, and is named with what is wrong: %s', async (said, answer) => {
    await expect(stage({ route: () => answer as PluginRoute }).route()).rejects.toThrow(said)
  })

  test('leaves none where it throws, and is named', async () => {
    const thrower = stage({
      route() {
        throw new Error('boom')
      },
    })
    await expect(thrower.route()).rejects.toThrow('p: Error: boom')
  })

  test('routes by each transport that there is', async () => {
    const mailbox = recipient.mailbox
    const user = { user: 'bob', uid: 1, gid: 1, home: '/h', dash: '', extension: '' }
    const answers: readonly Route[] = [
      smtp,
      { transport: 'maildir', key: 'p', path: '/m' },
      { transport: 'alias', key: 'p', to: [mailbox] },
      { transport: 'local', key: 'p', ...user, local: 'bob', domain: 'x.test' },
      { transport: 'lmtp', key: 'p', to: { path: '/run/lmtp' } },
      { transport: 'qmtp', key: 'p', host: 'h', port: 209 },
      { transport: 'fail', key: 'p', status: '5.1.1', text: 'no' },
    ]
    for (const answer of answers) expect(await stage({ route: () => answer }).route()).toBe(answer)
  })
})

describe('a plugin that delivers', () => {
  test.each<[string, unknown]>([
    ['p: deliver answered no list of results for 1 recipients', undefined],
    ['p: deliver answered 2 results for 1 recipients', [delivered, delivered]],
    [
      "p: deliver answered the outcome 'ok'; there are delivered",
      [{ ...delivered, outcome: 'ok' }],
    ],
    ["p: deliver answered 'failed' with the status '2.0.0'", [{ ...delivered, outcome: 'failed' }]],
    ["p: deliver answered 'delivered' without a text", [{ ...delivered, text: undefined }]],
    ['p: deliver answered undefined for a recipient', [undefined]],
  ])('and answers nonsense is named with what is wrong: %s', async (said, answer) => {
    const { deliver } = stage({ deliver: async () => answer as [DeliveryResult] })
    await expect(deliver()).rejects.toThrow(said)
  })

  test('and says what came of it is believed', async () => {
    expect(await stage({ deliver: async () => [delivered] }).deliver()).toEqual([delivered])
  })

  test('and never ends is called off at its deadline', async () => {
    let signal: AbortSignal | undefined
    const { clock, deliver } = stage({
      deliver(_delivery, given) {
        signal = given
        return new Promise(() => {})
      },
    })
    const delivered = deliver()
    clock.advance(1000)
    await expect(delivered).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(signal?.aborted).toBe(true)
  })

  test('and is not in the chain any more defers', async () => {
    expect(await stage({}).deliver()).toMatchObject([{ outcome: 'deferred', status: '4.3.5' }])
  })
})

import { describe, expect, test } from 'vitest'
import { buildGeneration } from '../filter/build-generation.ts'
import type { Generation } from '../filter/generation.ts'
import type { PluginRoute } from '../mail/route.ts'
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
const next = { route: async () => ({ ...route, key: 'next' }) }

function generationOf(
  instance: PluginInstance<unknown>,
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

function stage(instance: PluginInstance<unknown>, mode: 'enforce' | 'shadow' = 'enforce') {
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

describe('a plugin that delivers', () => {
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

import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { pluginUnderTest } from '../testkit/plugin-under-test.ts'
import { readableMetrics } from '../testkit/readable-metrics.ts'
import { entryNumbers, type PluginMetrics } from './metrics.ts'
import { definePlugin } from './plugin.ts'

const name = 'postern_plugin_my_scanner_server_resting'
const resting = { entry: 'scan', server: 'one' }

function numbers() {
  const metrics = readableMetrics(fakeClock())
  const one = () => entryNumbers(metrics, { name: 'scan', plugin: 'my-scanner' })
  const server = (of: PluginMetrics, which = 'one') =>
    of.gauge('server_resting', 'Whether it rests', { server: which })
  return { metrics, one, server }
}

describe('a gauge of an entry', () => {
  test('is shown once it is set, while the configuration that it belongs to is in force', async () => {
    const { metrics, one, server } = numbers()
    const before = one()
    before.show()
    const gauge = server(before.metrics)
    expect(await metrics.value(name, resting)).toBeUndefined()
    gauge.set(1)
    expect(await metrics.value(name, resting)).toBe(1)
    const after = one()
    server(after.metrics, 'two').set(0)
    after.show()
    before.hide()
    expect(await metrics.value(name, resting)).toBeUndefined()
    expect(await metrics.value(name, { ...resting, server: 'two' })).toBe(0)
  })

  test('is what the newer of two configurations says, as long as there are both', async () => {
    const { metrics, one, server } = numbers()
    const [before, after] = [one(), one()]
    server(before.metrics).set(1)
    server(after.metrics).set(0)
    before.show()
    after.show()
    server(before.metrics).set(1)
    expect(await metrics.value(name, resting)).toBe(0)
  })

  test('is one, however often it is asked for, and of too many only the first are shown', async () => {
    const { metrics, one, server } = numbers()
    const entry = one()
    entry.show()
    server(entry.metrics).set(1)
    server(entry.metrics).set(2)
    expect(await metrics.value(name, resting)).toBe(2)
    for (let n = 0; n < 300; n++) server(entry.metrics, `s${n}`).set(1)
    const { metrics: families } = await metrics.snapshot()
    expect(families.find((each) => each.name === name)?.series).toHaveLength(200)
  })

  test('has a name that there may be', () => {
    const { one } = numbers()
    expect(() => one().metrics.gauge('Not this', 'x')).toThrow('no name of a metric')
    expect(() => one().metrics.gauge('this', 'x', { 'not-this': 'y' })).toThrow('or a label of it')
  })

  test('ends with its entry', async () => {
    const plugin = pluginUnderTest(
      definePlugin({
        name: 'my-scanner',
        setup: (_options, { metrics }) => ({
          async open() {
            metrics.gauge('server_resting', 'x', { server: 'one' }).set(1)
          },
        }),
      }),
    )
    await plugin.open()
    const labels = { entry: 'my-scanner', server: 'one' }
    expect(await plugin.metrics.value(name, labels)).toBe(1)
    await plugin.close()
    expect(await plugin.metrics.value(name, labels)).toBeUndefined()
  })
})

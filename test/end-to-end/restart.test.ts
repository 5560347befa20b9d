/** A restart: new processes, with the configuration and the plugins as they are now, and nobody who connects is refused. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../setup/free-port.ts'
import {
  change,
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  sendMessage,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'
import { isAlive, workersOf } from './worker-processes.ts'

let folder: GatewayFolder
let gateway: StartedGateway

const postern = (...args: readonly string[]) => runPostern([...args, '--config', folder.config])

async function status() {
  const { stdout } = await postern('stat', '--json')
  return JSON.parse(stdout)
}

describe('a restart of all workers', () => {
  afterEach(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test.each([1, 3])(
    'gives %i workers new processes and refuses nobody: all who connect meanwhile are served',
    async (count) => {
      folder = await gatewayFolder()
      await change(folder, ['listeners:', `workers: ${count}\nlisteners:`])
      gateway = await startGateway(folder)
      const { pid, port } = gateway
      const before = workersOf(pid)
      let over = false
      let served = 0
      const senders = Array.from({ length: 2 }, async (_, sender) => {
        while (!over) {
          expect(await sendOrFarewell(port, `${sender}`)).toBe('served')
          served += 1
          // Many connect in the time of a restart, and the new workers have processors to start on.
          await setTimeout(20)
        }
      })
      const { code, stdout, stderr } = await postern('restart')
      const during = served
      await eventually(async () => (served > during + 20 ? true : undefined), 'more mail')
      over = true
      await Promise.all(senders)
      expect([code, stdout, stderr]).toEqual([0, 'New workers are at work.\n', ''])
      const after = workersOf(pid)
      expect(after).toHaveLength(count)
      expect(after.some((worker) => before.includes(worker))).toBe(false)
      expect(before.some(isAlive)).toBe(false)
      expect(await status()).toMatchObject({ listeners: [{ address: `127.0.0.1:${port}` }] })
    },
    60_000,
  )
})

describe('a restart', () => {
  beforeAll(async () => {
    folder = await gatewayFolder()
    await folder.write('../own/note/note.ts', notePlugin('one'))
    await change(
      folder,
      ['chain:\n', 'chain:\n  - plugin: note\n'],
      ['plugin_dirs:\n', 'plugin_dirs:\n  - ../own\n'],
    )
    gateway = await startGateway(folder)
  })
  afterAll(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test('takes changed code of plugins, and listeners that are new', async () => {
    const { port } = gateway
    expect((await dialogue(port, ['EHLO c', 'QUIT'])).join()).toContain('550 5.7.1 one')
    await folder.write('../own/note/note.ts', notePlugin('two'))
    const reload = await postern('reload')
    expect(reload.stdout).toMatch(/postern restart is needed for: .*note\.ts/)
    await change(folder, [
      'listeners:\n',
      'listeners:\n  - { name: second, listen: 127.0.0.1:0 }\n',
    ])
    expect((await postern('restart')).code).toBe(0)
    expect((await dialogue(port, ['EHLO c', 'QUIT'])).join()).toContain('550 5.7.1 two')
    const { listeners } = await status()
    expect(listeners.map(({ name }: { name: string }) => name)).toEqual(['second', 'mx'])
  })

  test('listens no more where no listener is any more', async () => {
    const [second] = (await status()).listeners
    const port = Number(second.address.split(':')[1])
    await change(folder, ['  - { name: second, listen: 127.0.0.1:0 }\n', ''])
    expect((await postern('restart')).code).toBe(0)
    const client = connect(port, '127.0.0.1')
    const reached = await once(client, 'connect').then(
      () => 'connected',
      () => 'refused',
    )
    client.destroy()
    expect(reached).toBe('refused')
  })
})

describe('a restart with another address', () => {
  let port: number
  const second = (host: string) => `  - { name: second, listen: "${host}:${port}" }\n`

  beforeAll(async () => {
    port = await freePort()
    folder = await gatewayFolder()
    await change(folder, ['listeners:\n', `listeners:\n${second('127.0.0.1')}`])
    gateway = await startGateway(folder)
  })
  afterAll(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test.each([
    ['127.0.0.1', '0.0.0.0'],
    ['0.0.0.0', '127.0.0.1'],
  ])(
    'moves a listener from %s to %s on the same port',
    async (from, to) => {
      await change(folder, [second(from), second(to)])
      const { code, stderr } = await postern('restart')
      expect([code, stderr]).toEqual([0, ''])
      expect(await sendMessage(port, 'moved')).toMatch(/^250 /)
      const { listeners } = await status()
      expect(listeners[0]).toMatchObject({ address: `${to}:${port}` })
    },
    60_000,
  )
})

/** Sessions that end with 421 were told so in their own words; whoever is not greeted was refused. */
async function sendOrFarewell(port: number, subject: string): Promise<string> {
  const reply = await sendMessage(port, subject)
  return /^(?:250|421) /.test(reply) ? 'served' : reply
}

const notePlugin = (text: string): string => `import { definePlugin, reject } from 'postern/plugin'
export const note = definePlugin({
  name: 'note',
  setup: () => ({ hello: () => reject('5.7.1', '${text}', { at: 'now' }) }),
})
`

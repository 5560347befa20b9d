/** Restarts that a running gateway refuses: everything is as it was, and mail comes in. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  change,
  gatewayFolder,
  runPostern,
  sendMessage,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'
import { workersOf } from './worker-processes.ts'

let folder: GatewayFolder
let gateway: StartedGateway

const postern = (verb: string) => runPostern([verb, '--config', folder.config])

describe('a restart that cannot be', () => {
  let yaml: string
  beforeAll(async () => {
    folder = await gatewayFolder()
    yaml = await folder.read('postern.yaml')
    gateway = await startGateway(folder)
  })
  afterEach(() => folder.write('postern.yaml', yaml))
  afterAll(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test('onto a port that another program has leaves everything as it is', async () => {
    const { pid, port } = gateway
    const before = workersOf(pid)
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port: taken } = other.address() as AddressInfo
    await change(folder, [
      'listeners:\n',
      `listeners:\n  - { name: new, listen: "127.0.0.1:${taken}" }\n`,
    ])
    const { code, stderr } = await postern('restart')
    other.close()
    expect(code).toBe(1)
    expect(stderr).toContain(`127.0.0.1:${taken}`)
    await expect.poll(() => workersOf(pid)).toEqual(before)
    expect(await sendMessage(port, 'still')).toMatch(/^250 /)
  })

  test('onto a UNIX socket that cannot be listened on leaves everything as it is', async () => {
    const { pid, port } = gateway
    const before = workersOf(pid)
    await folder.write('../var/file', '')
    const path = join(folder.root, 'var/file/socket')
    await change(folder, ['listeners:\n', `listeners:\n  - { name: new, listen: ${path} }\n`])
    const { code, stderr } = await postern('restart')
    expect(code).toBe(1)
    expect(stderr).toContain(path)
    await expect.poll(() => workersOf(pid)).toEqual(before)
    expect(await sendMessage(port, 'still')).toMatch(/^250 /)
  })

  test('with a configuration that has mistakes leaves everything as it is', async () => {
    const { pid, port } = gateway
    const before = workersOf(pid)
    await change(folder, ['chain:\n', 'chain:\n  - plugin: no-such-plugin\n'])
    const { code, stderr } = await postern('restart')
    expect(code).toBe(1)
    expect(stderr).toContain('no-such-plugin')
    // The process that has read it and will never open is on its way out.
    await expect.poll(() => workersOf(pid)).toEqual(before)
    expect(await sendMessage(port, 'still')).toMatch(/^250 /)
  })
})

/** Sockets that others opened, and sockets that are files. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { component, isMissing } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import {
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
} from './started-gateway.ts'

let folder: GatewayFolder

afterEach(() => folder.remove())

async function withListeners(listeners: string): Promise<GatewayFolder> {
  const made = await gatewayFolder()
  const yaml = await readFile(join(made.config, 'postern.yaml'), 'utf8')
  await made.write('postern.yaml', yaml.replace(/listeners:\n(?: .*\n)+/, listeners))
  return made
}

/** What systemd does for a service with a socket unit: listen, pass it as descriptor 3, become the service. */
const activate = `
import os, socket, sys
listening = socket.socket()
listening.bind(('127.0.0.1', 0))
listening.listen(10)
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='smtp')
os.execvp(sys.argv[1], sys.argv[1:])
`

describe.skipIf(isMissing('python3'))('a socket that systemd passes', () => {
  test.each([
    ['systemd:smtp', 1],
    ['fd:3', 1],
    ['systemd:smtp', 2],
    ['fd:3', 2],
  ])('is served as %s by %i, and mail comes in by it', async (listen, workers) => {
    folder = await withListeners(
      `workers: ${workers}\nlisteners:\n  - name: mx\n    listen: ${listen}\n`,
    )
    const through = [component('python3')!.path, '-c', activate]
    const gateway = await startGateway(folder, { through })
    const server = `127.0.0.1:${gateway.port}`
    const sent = await runPostern(['send', '--to', 'bob@postern.test', '--server', server])
    expect(sent.stderr).toBe('')
    expect(sent.code).toBe(0)
    expect(await gateway.stop()).toBe(0)
  })
})

const activator = '/usr/bin/systemd-socket-activate'

test.skipIf(!existsSync(activator))(
  'the first client of a socket unit starts the gateway, and is served',
  { timeout: 60_000 },
  async () => {
    folder = await withListeners('listeners:\n  - name: mx\n    listen: systemd:smtp\n')
    const port = await freePort()
    const through = [activator, '-l', `127.0.0.1:${port}`, '--fdname=smtp']
    const starting = startGateway(folder, { through })
    const client = await eventually(async () => {
      const socket = connect(port, '127.0.0.1').setEncoding('latin1')
      const came = await once(socket, 'connect').catch(() => undefined)
      return came === undefined ? undefined : socket
    }, 'a socket of systemd')
    const [greeting] = (await once(client, 'data')) as [string]
    expect(greeting).toMatch(/^220 /)
    client.destroy()
    const gateway = await starting
    expect(gateway.port).toBe(port)
    expect(await gateway.stop()).toBe(0)
  },
)

test.each([
  ['systemd:smtp', 'systemd has passed no sockets'],
  ['fd:99', 'cannot be listened on: fd 99'],
])('a socket that nobody passed (%s) is a reason not to start', async (listen, problem) => {
  folder = await withListeners(`listeners:\n  - name: mx\n    listen: ${listen}\n`)
  const run = await runPostern(['start', '--config', folder.config])
  expect(run.code).toBe(1)
  expect(run.stderr).toContain(problem)
})

test('a gateway serves a UNIX socket beside its port, with the mode it was given, and again after a kill', async () => {
  folder = await withListeners(`listeners:
  - name: mx
    listen: 127.0.0.1:0
  - name: local
    listen: ../var/smtp.sock
    socket_mode: "0666"
`)
  const path = join(folder.root, 'var/smtp.sock')
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const gateway = await startGateway(folder)
    expect((await stat(path)).mode & 0o777).toBe(0o666)
    const socket = connect(path).setEncoding('latin1')
    const [greeting] = (await once(socket, 'data')) as [string]
    expect(greeting).toMatch(/^220 /)
    socket.destroy()
    gateway.signal(signal)
    await gateway.exited()
  }
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { workerProcesses } from './workers.ts'

type Said = { readonly say: string }

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-workers-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const own = new URL('./workers.ts', import.meta.url).href

/** A worker that answers each message, and does what it says. */
const echo = `
import { writeSync } from 'node:fs'
import { supervisorChannel } from ${JSON.stringify(own)}
const channel = supervisorChannel()
channel.attach({
  heard({ say }) {
    if (say === 'exit') process.exit(3)
    if (say === 'die') process.kill(process.pid, 'SIGTERM')
    if (say === 'fd') writeSync(3, 'listen ' + process.env.LISTEN_FDS + ' ' + (process.env.LISTEN_PID === String(process.pid)))
    channel.send({ say: 'heard ' + say })
  },
  closed: () => process.exit(0),
})
channel.send({ say: 'here' })
`

function program(text: string, name = 'program.mjs'): URL {
  const path = join(folder, name)
  writeFileSync(path, text)
  return pathToFileURL(path)
}

function started(url: URL) {
  const worker = workerProcesses<Said, Said>(url).start()
  const heard: string[] = []
  let told: () => void = () => undefined
  const { promise: ended, resolve } = Promise.withResolvers<number | string>()
  worker.attach({
    heard({ say }) {
      heard.push(say)
      told()
    },
    ended: resolve,
  })
  const hears = async (count: number): Promise<readonly string[]> => {
    while (heard.length < count) await new Promise<void>((next) => (told = next))
    return heard
  }
  return { worker, ended, hears }
}

describe('a worker process', () => {
  test('that cannot be started at all has ended at once', async () => {
    const { ended } = started(new URL('data:text/javascript,'))
    expect(await ended).toMatch(/scheme/)
  })

  test('hears and is heard, in order', async () => {
    const { worker, ended, hears } = started(program(echo))
    worker.send({ say: 'one' })
    worker.send({ say: 'two' })
    expect(await hears(3)).toEqual(['here', 'heard one', 'heard two'])
    worker.kill()
    expect(await ended).toBe('SIGKILL')
    // Nobody hears it, and nobody is hurt.
    worker.send({ say: 'three' })
  })

  test.each([
    ['exit', 3],
    ['die', 'SIGTERM'],
  ])('that ends says how: %s', async (say, how) => {
    const { worker, ended } = started(program(echo))
    worker.send({ say })
    expect(await ended).toBe(how)
  })

  test('whose program is missing has ended', async () => {
    expect(await started(program('process.exit(1)', 'broken.mjs')).ended).toBe(1)
  })

  test('learns that its supervisor is gone, though that never took the listener it was offered', async () => {
    const offering = program(`
      import { nodeNet } from ${JSON.stringify(new URL('./net.ts', import.meta.url).href)}
      import { supervisorChannel } from ${JSON.stringify(own)}
      const channel = supervisorChannel()
      channel.attach({ heard() {}, closed: () => process.exit(7) })
      const address = { host: '127.0.0.1', port: 0 }
      const { handed } = await nodeNet.listen({ address, accepted() {}, failed() {} })
      channel.send({ say: 'listener' }, handed)
    `)
    // Not by fork: nobody reads this channel, and so nothing that is sent by it has ever arrived.
    const child = spawn(process.execPath, [offering.pathname], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, NODE_CHANNEL_FD: '3' },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdio[3]!, 'data')
    child.stdio[3]!.destroy()
    expect(await once(child, 'exit')).toEqual([7, null])
  })

  test('has the descriptors that it is to inherit, under their numbers', async () => {
    program(
      `import { writeSync } from 'node:fs'; writeSync(4, 'four'); setInterval(() => {}, 1000)`,
      'worker.mjs',
    )
    const supervisor = program(`
      import { workerProcesses } from ${JSON.stringify(own)}
      const worker = workerProcesses(new URL('./worker.mjs', import.meta.url), [4]).start()
      worker.attach({ heard() {}, ended() {} })
      process.stdin.resume().on('end', () => worker.kill())
    `)
    const stdio = ['pipe', 'inherit', 'inherit', 'ignore', 'pipe'] as const
    const child = spawn(process.execPath, [supervisor.pathname], { stdio: [...stdio] })
    const [said] = await once(child.stdio[4]!, 'data')
    expect(String(said)).toBe('four')
    child.stdin?.end()
    await once(child, 'exit')
  })

  test('ends when its supervisor is gone, and has the sockets that a service manager gave to that', async () => {
    program(echo, 'worker.mjs')
    const supervisor = program(`
      import { workerProcesses } from ${JSON.stringify(own)}
      process.env.LISTEN_PID = String(process.pid)
      const worker = workerProcesses(new URL('./worker.mjs', import.meta.url)).start()
      worker.attach({ heard: ({ say }) => console.log(say, worker.pid), ended() {} })
      worker.send({ say: 'fd' })
    `)
    const child = spawn(process.execPath, [supervisor.pathname], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      env: { ...process.env, LISTEN_FDS: '1' },
    })
    const [said] = await once(child.stdio[3]!, 'data')
    expect(String(said)).toBe('listen 1 true')
    const gone = once(child.stdio[3]!, 'close')
    child.kill('SIGKILL')
    await once(child, 'exit')
    // Its end of the pipe is closed, so the worker has ended as well.
    await gone
  })
})

/** Both ends of the deliverer's socket, over a network in memory. */
import { expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeNet } from '../../testkit/fake-net.ts'
import { delivererClient } from './client.ts'
import { withLoginPrograms } from './login-programs.ts'
import { openDelivererServer, type DelivererWork } from './server.ts'
import { fakePrograms } from '../../testkit/fake-programs.ts'

const path = '/run/x/deliverer'
const to = { local: 'joe', host: 'h.test', sender: 'a@b.test' }
const done: UserDelivery = {
  end: { exit: 0 },
  text: Buffer.from('did 1+0+0\n'),
  forward: Buffer.from('Fa\0Tb\0\0'),
}

async function* message(...chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

async function read(from: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of from) text += Buffer.from(chunk).toString('latin1')
  return text
}

async function stage(work: Partial<DelivererWork>) {
  const net = fakeNet()
  const clock = fakeClock()
  const refuse = async (): Promise<never> => {
    throw new PosternError('PROGRAM_FAILED', 'not here')
  }
  const server = await openDelivererServer({
    net,
    clock,
    path,
    group: 1,
    work: { deliver: refuse, checkpassword: refuse, ...work },
  })
  return { net, clock, server, client: delivererClient({ net, path }) }
}

const { signal } = new AbortController()

test('a message of any size arrives whole, and what came of it comes back', async () => {
  const heard: string[] = []
  const { client } = await stage({
    async deliver(address, content) {
      heard.push(JSON.stringify(address), await read(content))
      return { ...done, text: Buffer.alloc(200_000, 't') }
    },
  })
  const large = 'x'.repeat(300_000)
  const result = await client.deliver(to, message('Subject: x\n\n', large, 'end\n'), signal)
  expect(heard[0]).toContain('"local":"joe"')
  expect(heard[1]).toBe(`Subject: x\n\n${large}end\n`)
  expect(result.end).toEqual({ exit: 0 })
  // Nobody reads a longer report.
  expect(result.text).toHaveLength(128 << 10)
  expect(Buffer.from(result.forward).toString()).toBe('Fa\0Tb\0\0')
})

test('what the deliverer refuses is told, though the message was still on its way', async () => {
  const { client } = await stage({})
  const large = message(...Array.from({ length: 100 }, () => 'x'.repeat(60_000)))
  await expect(client.deliver(to, large, signal)).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: expect.stringContaining('not here'),
  })
})

test('a deliverer that ends meanwhile has not answered', async () => {
  const { client, server } = await stage({
    async deliver(_, content) {
      await read(content)
      await server.close()
      return done
    },
  })
  await expect(client.deliver(to, message('x'), signal)).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: expect.stringContaining('ended before it answered'),
  })
})

test('a deliverer that is not there is a delivery for later', async () => {
  const client = delivererClient({ net: fakeNet(), path })
  await expect(client.deliver(to, message('x'), signal)).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
  })
})

test('a gateway that goes away calls the delivery off', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const over = Promise.withResolvers<void>()
  const { client } = await stage({
    async deliver(_, content, calledOff) {
      await read(content)
      begun.resolve(calledOff)
      calledOff.addEventListener('abort', () => over.resolve())
      await over.promise
      throw new PosternError('ABORTED')
    },
  })
  const controller = new AbortController()
  const delivering = client.deliver(to, message('x'), controller.signal)
  const calledOff = await begun.promise
  controller.abort()
  await expect(delivering).rejects.toMatchObject({ code: 'ABORTED' })
  await over.promise
  expect(calledOff.aborted).toBe(true)
})

test('half a message is no message', async () => {
  const begun = Promise.withResolvers<void>()
  const outcome = Promise.withResolvers<unknown>()
  const { client } = await stage({
    async deliver(_, content) {
      begun.resolve()
      await read(content).catch(outcome.resolve)
      throw new PosternError('ABORTED')
    },
  })
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    await begun.promise
    throw new PosternError('DISK_FAILED')
  }
  await expect(client.deliver(to, breaking(), signal)).rejects.toMatchObject({
    code: 'DISK_FAILED',
  })
  expect(await outcome.promise).toMatchObject({ code: 'ABORTED' })
})

test('who asks nothing is hung up on after ten seconds', async () => {
  const { net, clock } = await stage({})
  const connection = await net.connect({ address: { path }, timeoutMs: 1000 })
  const closed = new Promise<void>((resolve) => {
    const nothing = (): void => undefined
    connection.attach({
      data: nothing,
      ended: nothing,
      drained: nothing,
      closed: () => resolve(),
    })
  })
  clock.advance(10_000)
  expect(await closed).toBeUndefined()
})

test('a login asks the deliverer, with the variables of tcpserver and no others', async () => {
  const seen: unknown[] = []
  const { client } = await stage({
    async checkpassword({ command, environment, input }) {
      seen.push(command, Object.fromEntries(environment), Buffer.from(input).toString())
      return { ...done, end: { exit: 1 } }
    },
  })
  const programs = withLoginPrograms(fakePrograms(), client)
  const { end } = await programs.run(
    {
      command: ['/bin/checkpassword', '/bin/true'],
      byDeliverer: true,
      environment: new Map([
        ['TCPREMOTEIP', '192.0.2.1'],
        ['RELAYCLIENT', ''],
      ]),
      inputs: new Map([[3, Buffer.from('joe\0secret\0\0')]]),
    },
    signal,
  )
  expect(end).toEqual({ exit: 1 })
  expect(seen).toEqual([
    ['/bin/checkpassword', '/bin/true'],
    { TCPREMOTEIP: '192.0.2.1' },
    'joe\0secret\0\0',
  ])
})

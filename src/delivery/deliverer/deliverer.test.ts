/** Both ends of the deliverer's socket, over a network in memory. */
import { expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeNet } from '../../testkit/fake-net.ts'
import { delivererClient } from './client.ts'
import { withLoginPrograms } from './login-programs.ts'
import type { DelivererPlaces } from './places.ts'
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

async function stage(work: Partial<DelivererWork>, places: Partial<DelivererPlaces> = {}) {
  const failures: unknown[] = []
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
    places: () => ({ deliver: 10, checkpassword: 10, maildrop: 10, ...places }),
    failed: (error) => failures.push(error),
    work: { deliver: refuse, checkpassword: refuse, maildrop: refuse, ...work },
  })
  return { net, clock, server, failures, client: delivererClient({ net, path }) }
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

test('no more are under way than have a place, those included that are called off and still end', async () => {
  const over = Promise.withResolvers<void>()
  const begun: AbortSignal[] = []
  const { client } = await stage(
    {
      async deliver(_, content, calledOff) {
        await read(content)
        begun.push(calledOff)
        await over.promise
        return done
      },
    },
    { deliver: 2 },
  )
  const controllers = [new AbortController(), new AbortController()]
  const first = controllers.map((each) => client.deliver(to, message('x'), each.signal))
  await expect.poll(() => begun.length).toBe(2)
  controllers[0]?.abort()
  await expect(first[0]).rejects.toMatchObject({ code: 'ABORTED' })
  await expect(client.deliver(to, message('x'), signal)).rejects.toThrow('too much to do')
  over.resolve()
  expect((await first[1])?.end).toEqual({ exit: 0 })
  expect((await client.deliver(to, message('x'), signal)).end).toEqual({ exit: 0 })
})

test('a bug fails one request, and whoever keeps the deliverer hears of it', async () => {
  const bug = new TypeError('undefined is not a function')
  let calls = 0
  const { client, failures } = await stage({
    async deliver() {
      calls += 1
      if (calls === 1) throw bug
      return done
    },
  })
  await expect(client.deliver(to, message('x'), signal)).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: expect.stringContaining('the deliverer has failed'),
  })
  expect(failures).toEqual([bug])
  expect((await client.deliver(to, message('x'), signal)).end).toEqual({ exit: 0 })
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

test('somebody fetches mail: what the client says reaches their process, and its answers the client', async () => {
  const { client } = await stage({
    async maildrop({ user }, { input, output }) {
      await output(Buffer.from(`+OK ${user}\r\n`))
      for await (const chunk of input) await output(Buffer.from(`heard ${String(chunk)}`))
      await output(Buffer.alloc(3 << 20, 'x'))
      return { exit: 0 }
    },
  })
  const talk = client.maildrop('joe', signal)
  const answers = talk.answers[Symbol.asyncIterator]()
  const next = async (): Promise<string> => Buffer.from((await answers.next()).value).toString()
  talk.write(Buffer.from('STAT\r\n'))
  expect(await next()).toBe('+OK joe\r\n')
  expect(await next()).toBe('heard STAT\r\n')
  talk.end()
  let rest = 0
  for (let each = await answers.next(); each.done !== true; each = await answers.next()) {
    rest += each.value.length
  }
  expect(rest).toBe(3 << 20)
})

test('mail of somebody whom the deliverer refuses is not fetched', async () => {
  const { client } = await stage({})
  const answers = client.maildrop('joe', signal).answers[Symbol.asyncIterator]()
  await expect(answers.next()).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: expect.stringContaining('not here'),
  })
})

test('a client that goes away ends the process that serves it', async () => {
  const over = Promise.withResolvers<void>()
  const { client } = await stage({
    async maildrop(_, { output }, calledOff) {
      calledOff.addEventListener('abort', () => over.resolve())
      await output(Buffer.from('+OK \r\n'))
      await over.promise
      throw new PosternError('ABORTED')
    },
  })
  const controller = new AbortController()
  const answers = client.maildrop('joe', controller.signal).answers[Symbol.asyncIterator]()
  await answers.next()
  controller.abort()
  await over.promise
  await expect(answers.next()).rejects.toMatchObject({ code: 'ABORTED' })
})

/** Processes that stay, as root sees them: their other end is ours here, with whatever an owner may make of it. */
import { describe, expect, test } from 'vitest'
import { ByteQueue } from '../../runtime/byte-queue.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'
import type { ProgramCall, ProgramEnd, RunningProgramHandlers } from '../../runtime/programs.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakePrograms } from '../../testkit/fake-programs.ts'
import { formatFrame } from '../deliverer/frames.ts'
import { formatAnswer } from '../deliverer/requests.ts'
import type { LocalDelivery } from './local-delivery.ts'
import { obeyOrders } from './owner-deliveries.ts'
import type { OwnerOrder } from './owner-order.ts'
import { OwnerProcesses, type OwnerLimits } from './owner-processes.ts'

const joe = { uid: 1001, gid: 1001 }
const ann = { uid: 1002, gid: 1001 }
const environment = new Map([['PATH', '/bin']])
const { signal } = new AbortController()

function mail(text: string): LocalDelivery {
  const address = { user: 'joe', home: '/home/joe', local: 'joe', dash: '', extension: '' }
  return {
    address: { ...address, host: 'h.test', sender: 'a@b.test' },
    defaultDelivery: './Maildir/\n',
    environment,
    async *message() {
      yield Buffer.from(text)
    },
  }
}

const done: UserDelivery = {
  end: { exit: 0 },
  text: Buffer.from('did 1+0+0\n'),
  forward: Buffer.from('Fa\0Tb\0\0'),
}

/** One that was started, from its own side. */
class Started {
  readonly call: ProgramCall
  readonly orders: OwnerOrder[] = []
  readonly taken: string[] = []
  /** Those that it has in hand, by their text. */
  readonly answer = new Map<string, (delivery: UserDelivery) => void>()
  stops = 0
  /** Whether it ends when it is told to. */
  obedient = true
  #handlers: RunningProgramHandlers | undefined
  readonly #input = new ByteQueue({ full: () => undefined, room: () => undefined })

  /** @param holds texts that it does not answer by itself */
  constructor(call: ProgramCall, holds: ReadonlySet<string>) {
    this.call = call
    const output = (frame: Uint8Array): void => this.say(frame)
    void obeyOrders({ input: this.#input, output }, async (order, message) => {
      this.orders.push(order)
      const text = Buffer.from(message).toString()
      this.taken.push(text)
      if (!holds.has(text)) return done
      return new Promise((resolve) => this.answer.set(text, resolve))
    })
  }

  running(pid: number) {
    return {
      pid,
      write: (data: string | Uint8Array) => (this.#input.add(Buffer.from(data)), true),
      endInput: () => this.#input.end(),
      attach: (handlers: RunningProgramHandlers) => void (this.#handlers = handlers),
      stop: () => {
        this.stops += 1
        if (this.obedient) this.end({ signal: 'SIGTERM' })
      },
    }
  }

  say(bytes: Uint8Array): void {
    this.#handlers?.output(bytes)
  }

  complain(text: string): void {
    this.#handlers?.complaint(Buffer.from(text))
  }

  end(end: ProgramEnd): void {
    setImmediate(() => this.#handlers?.ended(end))
  }
}

function stage({
  holds = [],
  limits = {},
  programLimits = {},
}: {
  readonly holds?: readonly string[]
  readonly limits?: Partial<OwnerLimits>
  readonly programLimits?: Pick<LocalDelivery, 'memoryBytes' | 'mostProcesses'>
} = {}) {
  const clock = fakeClock()
  const started: Started[] = []
  const alone = fakePrograms({ '/bin/postern': () => ({ exit: 0, writes: { 1: 'alone' } }) })
  const programs = {
    ...alone,
    start: async (call: ProgramCall) => {
      const one = new Started(call, new Set(holds))
      return one.running(started.push(one))
    },
  }
  const processes = new OwnerProcesses({
    programs,
    clock,
    command: ['/bin/stays'],
    program: ['/bin/postern', 'local'],
    limits,
    variablesFor: (uid) => new Map([['FOR', String(uid)]]),
  })
  const deliver = (text: string, owner = joe, until = signal) =>
    processes.deliver({ ...mail(text), ...programLimits }, owner, until)
  const inHand = async (text: string): Promise<void> => {
    await expect.poll(() => started.some(({ answer }) => answer.has(text))).toBe(true)
  }
  return { clock, started, alone, deliver, inHand }
}

describe('a process that stays', () => {
  test('makes one delivery after the other for its owner, and for nobody else', async () => {
    const { started, deliver } = stage()
    expect(await deliver('one')).toEqual(done)
    expect(await deliver('two')).toEqual(done)
    await deliver('hers', ann)
    await deliver('three')
    expect(started.map(({ taken }) => taken)).toEqual([['one', 'two', 'three'], ['hers']])
    const { address, defaultDelivery } = mail('one')
    expect(started[0]?.orders[0]).toEqual({ address, defaultDelivery, environment })
    expect(started.map(({ call }) => call)).toMatchObject([
      { command: ['/bin/stays'], as: joe },
      { command: ['/bin/stays'], as: ann },
    ])
  })

  test.each([
    { uid: 0, gid: 5 },
    { uid: 5, gid: 0 },
  ])('is never root’s: %o', async (owner) => {
    const { started, deliver } = stage()
    await expect(deliver('one', owner)).rejects.toMatchObject({ code: 'PROGRAM_FAILED' })
    expect(started).toEqual([])
  })

  test('starts also where its owner has too many processes for a program: that limit goes with the order', async () => {
    const programLimits = { memoryBytes: 1 << 30, mostProcesses: 300 }
    const { started, alone, deliver } = stage({ programLimits })
    await deliver('one')
    expect(started[0]?.orders).toMatchObject([{ mostProcesses: 300 }])
    expect(started[0]?.call).toMatchObject({ memoryBytes: 1 << 30 })
    expect(started[0]?.call).not.toHaveProperty('mostProcesses')
    await deliver('x'.repeat(300_000))
    expect(alone.calls[0]?.command).toContain('--most-processes=300')
    expect(alone.calls[0]).not.toHaveProperty('mostProcesses')
  })

  test('has one delivery in hand at a time, and the next that waits after it', async () => {
    const { started, deliver, inHand } = stage({ holds: ['one'] })
    const one = deliver('one')
    await inHand('one')
    const two = deliver('two')
    started[0]?.answer.get('one')?.(done)
    await Promise.all([one, two])
    expect(started.map(({ taken }) => taken)).toEqual([['one', 'two']])
  })

  test('that is busy keeps nobody longer than half a second', async () => {
    const { clock, started, deliver, inHand } = stage({ holds: ['one', 'two', 'three'] })
    void deliver('one')
    await inHand('one')
    void deliver('two')
    void deliver('three')
    await expect.poll(() => clock.pending).toBe(1)
    clock.advance(499)
    expect(started).toHaveLength(1)
    clock.advance(1)
    await inHand('two')
    expect(started).toHaveLength(2)
    clock.advance(500)
    await inHand('three')
  })

  test('of one owner is one of eight at most: what comes then waits for one of these', async () => {
    const { clock, started, deliver, inHand } = stage({
      holds: ['one', 'two'],
      limits: { perOwner: 2 },
    })
    void deliver('one')
    await inHand('one')
    void deliver('two')
    await expect.poll(() => clock.pending).toBe(1)
    clock.advance(500)
    await inHand('two')
    const three = deliver('three')
    await expect.poll(() => clock.pending).toBe(1)
    for (let tick = 0; tick < 20; tick += 1) clock.advance(500)
    await deliver('hers', ann)
    expect(started.map(({ call }) => call.as)).toEqual([joe, joe, ann])
    started[1]?.answer.get('two')?.(done)
    await three
    expect(started[1]?.taken).toEqual(['two', 'three'])
  })

  test('is started with what else its user is to know', async () => {
    const { started, deliver } = stage()
    await deliver('one')
    expect(started[0]?.call.environment).toEqual(new Map([...environment, ['FOR', '1001']]))
    expect(started[0]?.orders[0]?.environment).toEqual(environment)
  })

  test('ends when it has had nothing to do for ten seconds', async () => {
    const { clock, started, deliver } = stage()
    await deliver('one')
    clock.advance(9999)
    await deliver('two')
    clock.advance(9999)
    expect(started[0]?.stops).toBe(0)
    clock.advance(1)
    expect(started[0]?.stops).toBe(1)
    await deliver('three')
    expect(started).toHaveLength(2)
  })

  test('ends after so many deliveries, whatever it has gathered', async () => {
    const { started, deliver } = stage({ limits: { deliveries: 2 } })
    await deliver('one')
    await deliver('two')
    await deliver('three')
    expect(started.map(({ taken, stops }) => [taken.length, stops])).toEqual([
      [2, 1],
      [1, 0],
    ])
  })

  test('makes room for others where it was asked least lately', async () => {
    const { started, deliver } = stage({ limits: { processes: 2 } })
    await deliver('one', joe)
    await deliver('two', ann)
    await deliver('three', joe)
    await deliver('four', { uid: 1003, gid: 1003 })
    expect(started.map(({ stops }) => stops)).toEqual([0, 1, 0])
  })
})

describe('the end of a process', () => {
  test.each<readonly [string, ProgramEnd, ProgramEnd]>([
    ['by a signal', { signal: 'SIGKILL' }, { signal: 'SIGKILL' }],
    ['that says done', { exit: 0 }, { exit: 111 }],
    ['that says never', { exit: 100 }, { exit: 111 }],
  ])('%s, before it answered, is later for the delivery in hand', async (_, end, expected) => {
    const { started, deliver, inHand } = stage({ holds: ['one'] })
    const one = deliver('one')
    await inHand('one')
    started[0]?.complain('out of memory\n')
    started[0]?.end(end)
    const result = await one
    expect(result.end).toEqual(expected)
    expect(Buffer.from(result.text).toString()).toMatch(/^out of memory\nThe process of the user/)
    expect(await deliver('two')).toEqual(done)
    expect(started).toHaveLength(2)
  })

  test('between two deliveries is nobody’s trouble', async () => {
    const { started, deliver } = stage()
    await deliver('one')
    started[0]?.end({ signal: 'SIGKILL' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(await deliver('two')).toEqual(done)
    expect(started).toHaveLength(2)
  })

  test('is waited for where a delivery is called off', async () => {
    const { clock, started, deliver, inHand } = stage({ holds: ['one', 'two'] })
    const calledOff = new AbortController()
    let over = false
    const one = deliver('one', joe, calledOff.signal).finally(() => (over = true))
    one.catch(() => undefined)
    await inHand('one')
    const waiting = deliver('waits', joe, calledOff.signal)
    await expect.poll(() => clock.pending).toBe(1)
    if (started[0] !== undefined) started[0].obedient = false
    calledOff.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    expect([started[0]?.stops, over]).toEqual([1, false])
    started[0]?.end({ signal: 'SIGKILL' })
    await expect(one).rejects.toMatchObject({ code: 'ABORTED' })
    expect(started).toHaveLength(1)
  })
})

describe('an owner', () => {
  const answer = (value: object): Buffer =>
    formatFrame('answer', Buffer.from(JSON.stringify(value)))

  test.each<readonly [string, Uint8Array]>([
    ['what is no frame', Buffer.from('GET / HTTP/1.1\r\n')],
    ['a frame that is too long', Buffer.from([0x54, 0xff, 0xff, 0xff, 0xff])],
    ['a request', formatFrame('request')],
    ['an answer that is none', answer({ end: {} })],
    ['that it ended by a signal', answer({ end: { signal: 'SIGKILL' } })],
    ['what root would say', answer({ problem: 'x' })],
    [
      'more than anybody keeps',
      Buffer.concat(Array.from({ length: 90 }, () => formatFrame('text', Buffer.alloc(60_000)))),
    ],
  ])('whose process says %s has that delivery tried again, by another', async (_, bytes) => {
    const { started, deliver, inHand } = stage({ holds: ['one'] })
    const one = deliver('one')
    await inHand('one')
    started[0]?.say(bytes)
    await expect(one).rejects.toMatchObject({ code: 'PROGRAM_FAILED' })
    expect(started[0]?.stops).toBe(1)
    expect(await deliver('two')).toEqual(done)
    expect(started).toHaveLength(2)
  })

  test('answers for one delivery alone: what is said beyond that ends the process', async () => {
    const { started, deliver, inHand } = stage({ holds: ['one'] })
    const one = deliver('one')
    await inHand('one')
    const forged = formatFrame('answer', formatAnswer({ end: { exit: 0 } }))
    started[0]?.say(Buffer.concat([forged, forged]))
    expect((await one).end).toEqual({ exit: 0 })
    expect(started[0]?.stops).toBe(1)
    await deliver('two')
    started[1]?.say(forged)
    expect(started[1]?.stops).toBe(1)
    expect(await deliver('three')).toEqual(done)
  })

  test('has of a long report as much as anybody reads', async () => {
    const { started, deliver, inHand } = stage({ holds: ['one'] })
    const one = deliver('one')
    await inHand('one')
    started[0]?.answer.get('one')?.({ ...done, text: Buffer.alloc(1 << 20, 'x') })
    expect((await one).text).toHaveLength(128 << 10)
  })
})

test('a large message is delivered by a process of its own', async () => {
  const { started, alone, deliver } = stage()
  const large = 'Subject: x\n'.repeat(30_000)
  expect(Buffer.from((await deliver(large)).text).toString()).toBe('alone')
  const [call] = alone.calls
  expect(call).toMatchObject({
    as: joe,
    command: [
      '/bin/postern',
      'local',
      '--',
      'joe',
      '/home/joe',
      'joe',
      '',
      '',
      'h.test',
      'a@b.test',
      './Maildir/\n',
    ],
  })
  expect(Buffer.from(call?.read.get(0) ?? []).toString()).toBe(large)
  expect(started).toEqual([])
})

import { describe, expect, onTestFinished, test } from 'vitest'
import type { Task } from '../../../test/fixtures/jobs/several.worker.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDns } from '../../testkit/fake-dns.ts'
import { inlineJobs } from '../../testkit/inline-jobs.ts'
import type { Jobs } from '../jobs.ts'
import { nodeJobs } from './jobs.ts'

const several = new URL('../../../test/fixtures/jobs/several.worker.ts', import.meta.url)
const dns = fakeDns({ 'name.test': { txt: ['v=1'] }, 'broken.test': { txt: 'fails' } })
const patient = new AbortController().signal

function pool(threads = 2): { jobs: Jobs; clock: ReturnType<typeof fakeClock> } {
  const clock = fakeClock()
  const jobs = nodeJobs({ clock, dns, threads })
  onTestFinished(() => jobs.close())
  return { jobs, clock }
}

describe.each([
  ['in threads', () => pool().jobs],
  ['in the testkit', () => inlineJobs(dns)],
])('a job %s', (_, make) => {
  const run = (task: Task): Promise<unknown> => make().run(several, task, patient)

  test('answers', async () => {
    expect(await run({ do: 'add', numbers: [1, 2, 3] })).toBe(6)
  })

  test('takes bytes and gives bytes', async () => {
    const bytes = new Uint8Array([1, 2, 3])
    expect(await run({ do: 'reverse', bytes })).toEqual(new Uint8Array([3, 2, 1]))
  })

  test("asks the gateway's own DNS", async () => {
    expect(await run({ do: 'ask', name: 'name.test' })).toMatchObject({ records: ['v=1'] })
  })

  test('hears of a DNS that fails as anybody else', async () => {
    expect(await run({ do: 'ask', name: 'broken.test' })).toBe('no answer')
  })

  test('fails with what it throws', async () => {
    await expect(run({ do: 'throw', text: 'not a key' })).rejects.toThrow('not a key')
  })

  test('keeps the code of an operational error', async () => {
    await expect(run({ do: 'refuse' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'there is no such thing: a key',
    })
  })
})

describe('the pool of threads', () => {
  test('does more jobs than it has threads', async () => {
    const { jobs } = pool(2)
    const numbers = Array.from({ length: 50 }, (_, index) => index)
    const sums = await Promise.all(
      numbers.map((each) => jobs.run(several, { do: 'add', numbers: [each, 1] }, patient)),
    )
    expect(sums).toEqual(numbers.map((each) => each + 1))
  })

  test('lets a job that hears its signal keep its thread', async () => {
    const { jobs } = pool(1)
    const controller = new AbortController()
    const waiting = jobs.run(several, { do: 'wait' }, controller.signal)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await jobs.run(several, { do: 'add', numbers: [1] }, patient)).toBe(1)
  })

  test('replaces the thread of a job that does not end', async () => {
    const { jobs, clock } = pool(1)
    const controller = new AbortController()
    const spinning = jobs.run(several, { do: 'spin' }, controller.signal)
    const next = jobs.run(several, { do: 'add', numbers: [2] }, patient)
    await Promise.resolve()
    controller.abort()
    await expect(spinning).rejects.toMatchObject({ code: 'ABORTED' })
    clock.advance(1000)
    expect(await next).toBe(2)
  })

  test('outlives a thread that dies, and fails its job', async () => {
    const { jobs } = pool(1)
    await expect(jobs.run(several, { do: 'exit' }, patient)).rejects.toMatchObject({
      code: 'JOB_FAILED',
    })
    expect(await jobs.run(several, { do: 'add', numbers: [3] }, patient)).toBe(3)
  })

  test('does not begin what nobody waits for', async () => {
    const { jobs } = pool(1)
    const controller = new AbortController()
    const first = jobs.run(several, { do: 'wait' }, controller.signal)
    const second = jobs.run(several, { do: 'exit' }, controller.signal)
    controller.abort()
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await jobs.run(several, { do: 'add', numbers: [4] }, patient)).toBe(4)
  })

  test('takes a thousand that wait and refuses the next', async () => {
    const { jobs } = pool(1)
    const controller = new AbortController()
    const ends = Array.from({ length: 1002 }, () =>
      jobs.run(several, { do: 'wait' }, controller.signal),
    )
    await expect(ends.at(-1)).rejects.toMatchObject({ code: 'JOB_FAILED' })
    controller.abort()
    const settled = await Promise.allSettled(ends)
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
  })

  test('gives each client its turn, whoever else has a thousand jobs in line', async () => {
    const { jobs } = pool(1)
    const controller = new AbortController()
    const first = jobs.run(several, { do: 'wait' }, controller.signal)
    const order: string[] = []
    const wanted = ['flood', 'flood', 'flood', 'alice']
    const all = wanted.map(async (whose) => {
      await jobs.run(several, { do: 'add', numbers: [1] }, patient, whose)
      order.push(whose)
    })
    controller.abort()
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
    await Promise.all(all)
    expect(order).toEqual(['flood', 'alice', 'flood', 'flood'])
  })

  test('has another thread for who waits for one that dies', async () => {
    const { jobs } = pool(1)
    const dying = jobs.run(several, { do: 'exit' }, patient)
    const next = jobs.run(several, { do: 'add', numbers: [5] }, patient)
    await expect(dying).rejects.toMatchObject({ code: 'JOB_FAILED' })
    expect(await next).toBe(5)
  })

  test('fails what is on its way when it closes', async () => {
    const { jobs } = pool(1)
    const waiting = jobs.run(several, { do: 'wait' }, patient)
    const next = jobs.run(several, { do: 'wait' }, patient)
    const both = Promise.allSettled([waiting, next])
    await Promise.resolve()
    await jobs.close()
    expect(await both).toMatchObject([
      { reason: { code: 'JOB_FAILED' } },
      { reason: { code: 'JOB_FAILED' } },
    ])
  })
})

import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeWorkers, type FakeWorker } from '../testkit/fake-workers.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import type { FromWorker, Suspect, ToWorker, WorkerReport } from './messages.ts'
import { Supervisor } from './supervisor.ts'

type Worker = FakeWorker<ToWorker, FromWorker>

const report: WorkerReport = {
  hostname: 'mx.test',
  maildirs: '/var/mail',
  mx: undefined,
  spool: '/var/spool',
  listeners: [{ name: 'mx', address: { host: '127.0.0.1', port: 40_001 } }],
  entries: [],
  doubts: [],
}
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function stage(shards: readonly (readonly [number, ...number[]])[], suspects: Suspect[] = []) {
  const wariness = { suspects, noteUntil: 5 }
  const deaf = new Set<number>()
  const processes = fakeWorkers<ToWorker, FromWorker>(({ say }, pid) =>
    say === 'ping' && !deaf.has(pid) ? { say: 'alive' } : undefined,
  )
  const clock = fakeClock()
  const log = recordingLog()
  const died: number[] = []
  const crashes = {
    wariness,
    async workerDied(number: number) {
      died.push(number)
    },
  }
  const restarts: string[] = []
  const supervisor = new Supervisor({
    folder: 'config',
    shards,
    processes,
    clock,
    log,
    crashes,
    async restarting() {
      restarts.push(`asked beside ${processes.started.length}`)
      return () => void restarts.push('over')
    },
  })
  return {
    supervisor,
    clock,
    log,
    died,
    /** What was called for restarts, beside how many processes. */
    restarts,
    /** Processes that do not answer. */
    deaf,
    started: processes.started,
    /** Opens, with all workers well. */
    opened: async () => {
      const opening = supervisor.open()
      for (let worker = 0; worker < shards.length; worker++) {
        await settled()
        processes.started[worker]?.say({ say: 'opened', report })
      }
      return opening
    },
    /** The nth that was started dies, and what follows it is started. */
    replaced: async (nth: number, afterMs: number) => {
      processes.started[nth]?.end('SIGKILL')
      await settled()
      clock.advance(afterMs)
      await settled()
      return processes.started.at(-1)!
    },
  }
}

const seatOf = (worker: Worker | undefined) => {
  const [order] = worker?.told ?? []
  return order?.say === 'open' ? order.seat : undefined
}

describe('a supervisor that opens', () => {
  test('lets the first worker judge the configuration and find the ports, and the others follow it', async () => {
    const { supervisor, started } = stage([[0, 2], [1]])
    const opening = supervisor.open()
    await settled()
    expect(started).toHaveLength(1)
    expect(seatOf(started[0])).toEqual({
      number: 1,
      workers: 2,
      leads: true,
      shards: [0, 2],
      wariness: { suspects: [], noteUntil: 5 },
    })
    started[0]?.say({ say: 'opened', report })
    await settled()
    const known = { listeners: report.listeners, spool: '/var/spool' }
    expect(seatOf(started[1])).toMatchObject({ number: 2, shards: [1], known })
    started[1]?.say({ say: 'opened', report })
    expect(await opening).toEqual({ ok: true, report })
    expect(supervisor.pids).toEqual([1, 2])
  })

  test('passes on what is wrong with the configuration, and nothing is left', async () => {
    const { supervisor, started } = stage([[0], [1]])
    const opening = supervisor.open()
    const mistakes = [{ file: 'postern.yaml', problem: 'odd', remedy: 'mend it' }]
    started[0]?.say({ say: 'refused', mistakes, doubts: [] })
    await settled()
    expect(started[0]?.told.at(-1)).toEqual({ say: 'stop', graceMs: 0 })
    started[0]?.end(1)
    expect(await opening).toEqual({ ok: false, mistakes, doubts: [] })
    expect(started).toHaveLength(1)
  })

  test('starts a worker anew that is killed before it listens', async () => {
    const { supervisor, replaced } = stage([[0], [1]])
    const opening = supervisor.open()
    const first = await replaced(0, 100)
    expect(seatOf(first)).toMatchObject({ number: 1, leads: true, shards: [0] })
    first.say({ say: 'opened', report })
    await settled()
    const second = await replaced(2, 100)
    second.say({ say: 'opened', report })
    expect(await opening).toEqual({ ok: true, report })
    expect(supervisor.pids).toEqual([2, 4])
  })

  test('says so when a worker ends three times before it listens, and stops the others', async () => {
    const { supervisor, started, clock } = stage([[0], [1]])
    const opening = supervisor.open()
    started[0]?.say({ say: 'opened', report })
    await settled()
    for (let life = 1; life <= 3; life++) {
      started[life]?.end('SIGSEGV')
      await settled()
      clock.advance(200)
      await settled()
    }
    expect(started[0]?.told.at(-1)).toEqual({ say: 'stop', graceMs: 0 })
    started[0]?.end(0)
    const problem = 'a worker ended (SIGSEGV) before it listened'
    expect(await opening).toMatchObject({ ok: false, mistakes: [{ problem }] })
    expect(started).toHaveLength(4)
  })

  test('does not wait for ever for a worker that says nothing', async () => {
    const { supervisor, clock } = stage([[0]])
    const opening = supervisor.open()
    clock.advance(600_000)
    expect(await opening).toMatchObject({ ok: false })
  })
})

describe('a worker that dies', () => {
  test('is replaced on the same ports and shards, and what it counted is given back', async () => {
    const { opened, replaced, started, log, died } = stage([[0, 2], [1]])
    await opened()
    started[0]?.say({ say: 'count', questions: [['take', 1, 'key', 1]] })
    expect(started[0]?.told.at(-1)).toEqual({ say: 'counted', answers: [[1, true]] })
    started[1]?.say({ say: 'count', questions: [['take', 7, 'key', 1]] })
    expect(started[1]?.told.at(-1)).toEqual({ say: 'counted', answers: [[7, false]] })
    const next = await replaced(0, 100)
    started[1]?.say({ say: 'count', questions: [['take', 8, 'key', 1]] })
    expect(started[1]?.told.at(-1)).toEqual({ say: 'counted', answers: [[8, true]] })
    expect(seatOf(next)).toMatchObject({
      number: 1,
      shards: [0, 2],
      known: { listeners: report.listeners },
    })
    expect(died).toEqual([1])
    next.say({ say: 'opened', report })
    await settled()
    const events = log.events.map(({ event }) => event)
    expect(events).toEqual(['worker.ended', 'worker.replaced'])
  })

  test('again and again is started ever later, at last not at all, and its shards have an heir', async () => {
    const { opened, supervisor, started, clock, log } = stage([[0, 2], [1]])
    await opened()
    const delays: number[] = []
    for (let life = 1; life < 10; life++) {
      const before = clock.monotonicMs()
      const count = started.length
      started[life === 1 ? 0 : count - 1]?.end(1)
      await settled()
      while (started.length === count) {
        clock.advance(50)
        await settled()
      }
      delays.push(clock.monotonicMs() - before)
    }
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600])
    started.at(-1)?.end(1)
    await settled()
    clock.advance(3_600_000)
    await settled()
    expect(started).toHaveLength(11)
    expect(log.events.at(-1)).toMatchObject({ event: 'worker.given-up', fields: { heir: 2 } })
    expect(started[1]?.told.filter(({ say }) => say === 'adopt')).toEqual([
      { say: 'adopt', shard: 0 },
      { say: 'adopt', shard: 2 },
    ])
    expect(started[1]?.told).toContainEqual({ say: 'lead' })
    // The heir keeps what it took over, through its own death too.
    started[1]?.end('SIGKILL')
    await settled()
    clock.advance(100)
    await settled()
    expect(seatOf(started.at(-1))).toMatchObject({ shards: [1, 0, 2], leads: true })
    expect(supervisor.pids).toHaveLength(1)
  })

  test('is waited for by whoever wants to ask them all, so long and no longer', async () => {
    const { opened, replaced, started, supervisor, clock } = stage([[0], [1]])
    await opened()
    const heard: (readonly number[])[] = []
    const gather = () => void supervisor.gathered(1_000).then((absent) => heard.push(absent))
    started[1]?.end('SIGKILL')
    await settled()
    gather()
    const next = await replaced(1, 100)
    expect(heard).toEqual([])
    next.say({ say: 'opened', report })
    clock.advance(50)
    await settled()
    expect(heard).toEqual([[]])
    next.end('SIGKILL')
    await settled()
    gather()
    for (let look = 0; look < 20; look++) {
      clock.advance(50)
      await settled()
    }
    expect(heard).toEqual([[], [2]])
  })

  test('after a long life is replaced soon, however often that happens', async () => {
    const { opened, replaced, clock, started } = stage([[0]])
    await opened()
    for (let life = 1; life <= 20; life++) {
      clock.advance(60_000)
      const next = await replaced(started.length - 1, 100)
      next.say({ say: 'opened', report })
      await settled()
    }
    expect(started).toHaveLength(21)
  })

  test('and has no successor, because all are given up, leaves nobody to serve', async () => {
    const { opened, supervisor, started, clock } = stage([[0]])
    await opened()
    let abandoned = false
    void supervisor.abandoned.then(() => (abandoned = true))
    for (let life = 0; life < 10; life++) {
      started.at(-1)?.end(1)
      await settled()
      clock.advance(30_000)
      await settled()
    }
    expect(abandoned).toBe(true)
    expect(await supervisor.stop(0)).toBe(0)
  })

  test('is followed by a try again where its successor refuses the configuration', async () => {
    const { opened, replaced, started, log } = stage([[0]])
    await opened()
    const next = await replaced(0, 100)
    const mistakes = [{ file: 'postern.yaml', problem: 'odd', remedy: 'mend it' }]
    next.say({ say: 'refused', mistakes, doubts: [] })
    await settled()
    expect(log.events.at(-1)?.event).toBe('worker.not-opened')
    expect(await replaced(1, 200)).toBe(started[2])
  })

  test('before it was open is not counted: what is noted in its place is its predecessor’s', async () => {
    const { opened, replaced, died } = stage([[0]])
    await opened()
    await replaced(0, 100)
    await replaced(1, 200)
    expect(died).toEqual([1])
  })

  test('in the sense that it answers nothing for a minute is ended and replaced', async () => {
    const { opened, started, clock, log, deaf } = stage([[0], [1]])
    await opened()
    deaf.add(1)
    clock.advance(60_000)
    await settled()
    expect(started[0]?.told.filter(({ say }) => say === 'ping')).toHaveLength(6)
    expect(started[0]?.alive).toBe(true)
    clock.advance(10_000)
    await settled()
    expect([started[0]?.alive, started[1]?.alive]).toEqual([false, true])
    expect(log.events.map(({ event }) => event)).toEqual(['worker.hangs', 'worker.ended'])
    clock.advance(100)
    await settled()
    expect(started).toHaveLength(3)
  })

  test('tells all workers which messages are suspect, and that they are to note what they judge', async () => {
    const suspects: Suspect[] = []
    const { opened, replaced, started } = stage([[0], [1]], suspects)
    await opened()
    suspects.push(['00ff', 5])
    const next = await replaced(0, 100)
    const wariness = { suspects: [['00ff', 5]], noteUntil: 5 }
    expect(started[1]?.told.at(-1)).toEqual({ say: 'beware', wariness })
    expect(seatOf(next)?.wariness).toEqual(wariness)
  })
})

describe('a restart', () => {
  /** One restart under way, with the successor of the first worker prepared. */
  async function restarting(shards: readonly (readonly [number, ...number[]])[]) {
    const staged = stage(shards)
    await staged.opened()
    const restart = staged.supervisor.restart(1_000)
    await settled()
    const successor = staged.started[shards.length]!
    return { ...staged, restart, successor }
  }

  test('starts a new worker, which takes over when the old one is gone; then it is the next one’s turn', async () => {
    const { restart, successor, started, supervisor } = await restarting([[0], [1]])
    const seat = seatOf(successor)
    expect(seat).toMatchObject({ number: 1, shards: [0], succeeds: true, judges: true })
    expect(started[0]?.told).toHaveLength(1)
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    expect(started[0]?.told.at(-1)).toEqual({ say: 'stop', graceMs: 1_000 })
    expect(successor.told).toHaveLength(1)
    started[0]?.end(0)
    await settled()
    expect(successor.told.at(-1)).toEqual({ say: 'take-over' })
    const listeners = [{ name: 'mx', address: { host: '127.0.0.1', port: 40_002 } }]
    successor.say({ say: 'opened', report: { ...report, listeners } })
    await settled()
    const second = started[3]!
    expect(seatOf(second)).toMatchObject({ number: 2, succeeds: true, known: { listeners } })
    expect(seatOf(second)).not.toHaveProperty('judges')
    second.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    started[1]?.end(0)
    await settled()
    const needsRestart = ['log', 'workers']
    started[1]?.say({ say: 'reloaded', report: { at: 1, ok: true, mistakes: [], needsRestart } })
    second.say({ say: 'opened', report })
    expect(await restart).toEqual({ ok: true, doubts: [] })
    expect(supervisor.pids).toEqual([3, 4])
    expect(supervisor.lastReload).toMatchObject({ ok: true, needsRestart: ['workers'] })
  })

  test('counts the crash of a worker on its way out, and goes on', async () => {
    const { restart, successor, started, died, restarts } = await restarting([[0]])
    successor.say({ say: 'prepared', addresses: [] })
    await settled()
    started[0]?.end('SIGSEGV')
    await settled()
    successor.say({ say: 'opened', report })
    // Whoever keeps the log makes its places ready before anybody new is there.
    expect(restarts).toEqual(['asked beside 1'])
    expect([await restart, died]).toEqual([{ ok: true, doubts: [] }, [1]])
    expect(restarts).toEqual(['asked beside 1', 'over'])
  })

  test('that the new worker refuses leaves the old one where it is', async () => {
    const { restart, successor, started, supervisor, restarts } = await restarting([[0]])
    const mistakes = [{ file: 'postern.yaml', problem: 'odd', remedy: 'mend it' }]
    successor.say({ say: 'refused', mistakes, doubts: [] })
    expect(await restart).toEqual({ ok: false, mistakes, doubts: [] })
    successor.end(1)
    await settled()
    expect([started.length, supervisor.pids]).toEqual([2, [1]])
    expect(restarts).not.toContain('over')
  })

  test('in which both die ends with a third one in their place', async () => {
    const { restart, successor, started, clock, supervisor } = await restarting([[0]])
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    successor.end('SIGKILL')
    started[0]?.end(0)
    expect(await restart).toMatchObject({ ok: false })
    await settled()
    clock.advance(100)
    await settled()
    expect(supervisor.pids).toEqual([3])
  })

  test('begins with the worker that leads, which alone has the UNIX sockets', async () => {
    const { opened, supervisor, started, clock } = stage([[0], [1, 3], [2]])
    await opened()
    for (let [last, count] = [started[0], 0]; started.length > count; last = started.at(-1)) {
      count = started.length
      last?.end(1)
      await settled()
      clock.advance(30_000)
      await settled()
    }
    void supervisor.restart(0)
    await settled()
    expect(seatOf(started.at(-1))).toMatchObject({ number: 3, leads: true, judges: true })
  })

  test('does not wait longer than the grace for the old one, and there is one at a time', async () => {
    const { restart, successor, clock, supervisor, started } = await restarting([[0]])
    expect(await supervisor.restart(0)).toMatchObject({ ok: false })
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    clock.advance(6_000)
    await settled()
    expect(started[0]?.alive).toBe(false)
    successor.say({ say: 'opened', report })
    expect(await restart).toMatchObject({ ok: true })
  })

  test('of a worker that dies meanwhile puts one in its place, not two', async () => {
    const { restart, successor, started, clock, supervisor } = await restarting([[0]])
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    started[0]?.end('SIGKILL')
    await settled()
    successor.say({ say: 'opened', report })
    expect(await restart).toMatchObject({ ok: true })
    clock.advance(30_000)
    await settled()
    expect([started.length, supervisor.pids]).toEqual([2, [2]])
  })

  test('tells the new worker what was said while it waited for its turn', async () => {
    const { successor, started, supervisor } = await restarting([[0]])
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    supervisor.admit(false)
    for (const worker of [successor, started[0]]) {
      expect(worker?.told.at(-1)).toEqual({ say: 'admit', everybody: false })
    }
  })

  test('leaves the place of a worker empty that was given up meanwhile', async () => {
    const { restart, successor, started, clock, supervisor } = await restarting([[0], [1]])
    for (let life = 0; life < 10; life++) {
      started.findLast((worker) => seatOf(worker)?.number === 2)?.end(1)
      await settled()
      clock.advance(30_000)
      await settled()
    }
    expect(successor.told.slice(1).filter(({ say }) => say !== 'beware')).toEqual([
      { say: 'adopt', shard: 1 },
    ])
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    started[0]?.end(0)
    await settled()
    successor.say({ say: 'opened', report })
    expect(await restart).toMatchObject({ ok: true })
    expect(supervisor.pids).toEqual([3])
  })

  test('lets a new worker that has its turn already end in its own time when everybody is to stop', async () => {
    const { restart, successor, started, supervisor } = await restarting([[0]])
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    started[0]?.end(0)
    await settled()
    const stopped = supervisor.stop(1_000)
    await settled()
    expect([successor.alive, successor.told.at(-1)]).toEqual([
      true,
      { say: 'stop', graceMs: 1_000 },
    ])
    successor.say({ say: 'opened', report })
    successor.end(0)
    expect(await stopped).toBe(0)
    expect(await restart).toMatchObject({ ok: false })
  })

  test('is over when everybody is to stop', async () => {
    const { restart, successor, started, supervisor } = await restarting([[0]])
    successor.say({ say: 'prepared', addresses: ['127.0.0.1 40001'] })
    await settled()
    const stopped = supervisor.stop(1_000)
    started[0]?.end(0)
    expect(await stopped).toBe(0)
    expect(await restart).toMatchObject({ ok: false })
    await settled()
    expect(successor.alive).toBe(false)
  })
})

describe('what an operator wants', () => {
  test('to know is answered by the workers that there are, and one that dies keeps nobody waiting', async () => {
    const { opened, supervisor, started, clock } = stage([[0], [1]])
    await opened()
    const counted = supervisor.retryNow()
    const asked = started[0]?.told.at(-1)
    if (asked?.say !== 'ask') throw new Error('nothing was asked')
    const answer = { what: 'retry', count: 3 } as const
    started[0]?.say({ say: 'answered', number: asked.number, answer })
    started[1]?.end(1)
    expect(await counted).toBe(3)
    const status = supervisor.status()
    clock.advance(5_000)
    expect(await status).toMatchObject([{ state: 'open' }, { state: 'waiting' }])
  })

  test('is told to all workers', async () => {
    const { opened, supervisor, started } = stage([[0], [1]])
    await opened()
    void supervisor.reload()
    void supervisor.retryNow()
    for (const { told } of started) {
      expect(told.slice(1)).toMatchObject([
        { say: 'ask', what: 'reload' },
        { say: 'ask', what: 'retry' },
      ])
    }
  })

  test('a stop waits for all workers, replaces none, and says whether all ended well', async () => {
    const { opened, supervisor, started } = stage([[0], [1]])
    await opened()
    const stopped = supervisor.stop(1_000)
    expect(started[0]?.told.at(-1)).toEqual({ say: 'stop', graceMs: 1_000 })
    started[0]?.end(0)
    started[1]?.end(0)
    expect(await stopped).toBe(0)
    expect(started).toHaveLength(2)
  })

  test('a crash of a worker that was told to stop is counted before the stop is over', async () => {
    const { opened, supervisor, started, died } = stage([[0], [1]])
    await opened()
    const stopped = supervisor.stop(1_000)
    started[0]?.end(0)
    started[1]?.end('SIGSEGV')
    expect([await stopped, died]).toEqual([1, [2]])
  })

  test('a worker that is killed because its time is over is not counted as one that crashed', async () => {
    const { opened, supervisor, clock, died } = stage([[0]])
    await opened()
    const stopped = supervisor.stop(1_000)
    clock.advance(6_000)
    expect([await stopped, died]).toEqual([1, []])
  })

  test('a stop does not wait for ever, and is not one that went well', async () => {
    const { opened, supervisor, started, clock } = stage([[0]])
    await opened()
    const stopped = supervisor.stop(1_000)
    clock.advance(6_000)
    expect(await stopped).toBe(1)
    expect(started).toHaveLength(1)
  })

  test('a stop while the gateway opens ends the first worker, and starts no other', async () => {
    const { supervisor, started } = stage([[0], [1]])
    const opening = supervisor.open()
    await settled()
    const stopped = supervisor.stop(1_000)
    started[0]?.say({ say: 'opened', report })
    started[0]?.end(0)
    expect(await stopped).toBe(0)
    expect(await opening).toMatchObject({ ok: false })
    expect(started).toHaveLength(1)
  })

  test('a stop while a worker waits to be replaced starts it no more', async () => {
    const { opened, supervisor, started, clock } = stage([[0]])
    await opened()
    started[0]?.end(1)
    await settled()
    expect(await supervisor.stop(1_000)).toBe(0)
    clock.advance(60_000)
    expect(started).toHaveLength(1)
  })
})

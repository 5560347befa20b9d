import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../mail/json.ts'
import {
  chainMetrics,
  processMetrics,
  queueMetrics,
  receiverMetrics,
  spoolMetrics,
  worldMetrics,
} from '../runtime/metrics/inventory.ts'
import { gaugeMetric } from '../runtime/metrics/define.ts'
import type { MetricReport } from '../runtime/metrics/metrics.ts'
import { metricRegistry } from '../runtime/metrics/registry.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeNet } from '../testkit/fake-net.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { readState } from './book.ts'
import { inWords } from './in-words.ts'
import { look, nothingRemembered, type AlertMemory } from './look.ts'
import type { AlertSettings } from './settings.ts'
import { AlertWatch } from './watch.ts'
import { signature } from './webhook.ts'
import type { AlertLetter } from './words.ts'

const minute = 60_000
const hour = 3_600_000
const day = 86_400_000
const settings: AlertSettings = {
  to: [{ localPart: 'postmaster', domain: 'postern.test' }],
  lookEveryMs: 30_000,
  mailsPerHour: 3,
  queueMessages: 100,
  queueAgeMs: hour,
  dependencyDownMs: 5 * minute,
  signaturesAgeMs: 3 * day,
  certificateMs: 21 * day,
  diskFreePercent: 10,
}

/** What the gateway says of itself, to be changed by the test. */
function stage(changes: Partial<AlertSettings> = {}) {
  const clock = fakeClock()
  const store = memoryStore(clock)
  const log = recordingLog()
  const letters: AlertLetter[] = []
  const world = {
    report: ((_report: MetricReport) => undefined) as (report: MetricReport) => void,
    full: false,
    settings: { ...settings, ...changes } as AlertSettings | undefined,
    supervisor: 1,
  }
  const start = (): AlertWatch => {
    const metrics = metricRegistry(clock)
    metrics.watch((report) => world.report(report))
    return new AlertWatch({
      clock,
      log,
      metrics,
      net: fakeNet(),
      memory: store.table('alerts', { maxEntries: 10 }),
      settings: () => world.settings,
      hostname: () => 'mx.postern.test',
      snapshot: () => metrics.snapshot(),
      supervisor: world.supervisor,
      async send(letter) {
        if (world.full) throw new Error('the disk is full')
        letters.push(letter)
      },
    })
  }
  const pass = async (watch: AlertWatch, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += settings.lookEveryMs) {
      clock.advance(settings.lookEveryMs)
      await watch.look()
    }
  }
  return { clock, log, store, letters, world, start, pass }
}

const open = (report: MetricReport): void => report(chainMetrics.breakers, 1, { entry: 'clamav' })
const closed = (report: MetricReport): void => report(chainMetrics.breakers, 0, { entry: 'clamav' })

describe('an alert', () => {
  test('is told once when it begins and once when it is over', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    world.report = open
    await pass(watch, 4 * minute)
    expect(letters).toEqual([])
    await pass(watch, 20 * minute)
    expect(letters.map(({ subject }) => subject)).toEqual([
      '[mx.postern.test] alert: dependency/clamav',
    ])
    expect(watch.report.active.map(({ key }) => key)).toEqual(['dependency/clamav'])
    world.report = closed
    await pass(watch, 20 * minute)
    expect(letters.map(({ subject }) => subject)[1]).toBe(
      '[mx.postern.test] over: dependency/clamav',
    )
    expect(letters).toHaveLength(2)
    expect(watch.report.active).toEqual([])
  })

  test('that comes and goes within its time is none', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    for (let n = 0; n < 10; n++) {
      world.report = open
      await pass(watch, 4 * minute)
      world.report = closed
      await pass(watch, minute)
    }
    expect(letters).toEqual([])
  })

  test('comes and goes sooner where the numbers are looked at more often', async () => {
    const { clock, letters, world, start } = stage({ lookEveryMs: 2_000, queueMessages: 1 })
    const watch = start()
    const look = async (times: number, messages: number): Promise<number> => {
      world.report = (report) => report(queueMetrics.messages, messages, { state: 'fresh' })
      for (let n = 0; n < times; n++) {
        clock.advance(2_000)
        await watch.look()
      }
      return letters.length
    }
    expect(await look(2, 3)).toBe(0)
    expect(await look(1, 3)).toBe(1)
    expect(await look(4, 0)).toBe(1)
    expect(await look(1, 0)).toBe(2)
  })

  test('does not end for a moment of calm', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    world.report = open
    await pass(watch, 6 * minute)
    for (let n = 0; n < 10; n++) {
      world.report = closed
      await pass(watch, minute)
      world.report = open
      await pass(watch, minute)
    }
    expect(letters).toHaveLength(1)
  })

  test('is not told again after a restart, and its end is', async () => {
    const { letters, world, start, pass } = stage()
    const first = start()
    world.report = open
    await pass(first, 6 * minute)
    await first.stop()
    const second = start()
    await pass(second, 10 * minute)
    expect(letters).toHaveLength(1)
    world.report = closed
    await pass(second, 5 * minute)
    expect(letters[1]?.subject).toContain('over: dependency/clamav')
  })

  test('of an entry that was taken out of the chain ends', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    world.report = open
    await pass(watch, 6 * minute)
    world.report = () => undefined
    await pass(watch, 5 * minute)
    expect(letters[1]?.subject).toContain('over')
  })

  test('of a limit ends only well below it', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    const waiting = (count: number) => (report: MetricReport) => {
      report(queueMetrics.messages, count, { state: 'fresh' })
    }
    world.report = waiting(101)
    await pass(watch, 3 * minute)
    world.report = waiting(90)
    await pass(watch, 10 * minute)
    expect(watch.report.active).toHaveLength(1)
    world.report = waiting(70)
    await pass(watch, 5 * minute)
    expect(watch.report.active).toEqual([])
    expect(letters).toHaveLength(2)
  })
})

describe('mails', () => {
  test('gather what begins at one time', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    world.report = (report) => {
      report(processMetrics.configLoaded, 0)
      report(spoolMetrics.damaged, 2)
    }
    await pass(watch, minute)
    expect(letters.map(({ subject }) => subject)).toEqual(['[mx.postern.test] alerts: 2 new'])
    expect(letters[0]?.text.join('\n')).toContain('2 records or messages were set aside')
  })

  test('are so many an hour, and what is more comes in one of the next hour', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    const dead = new Set<string>()
    world.report = (report) => {
      for (const server of dead) signatures(report, server, 0)
    }
    for (let n = 0; n < 20; n++) {
      dead.add(`clamd${n}`)
      await pass(watch, minute)
    }
    expect(letters).toHaveLength(3)
    await pass(watch, hour)
    expect(letters).toHaveLength(4)
    expect(letters[3]?.subject).toContain('17 new')
  })

  test('that could not be queued are tried again', async () => {
    const { letters, world, start, pass } = stage()
    const watch = start()
    world.full = true
    world.report = (report) => report(processMetrics.configLoaded, 0)
    await pass(watch, 2 * minute)
    expect(watch.report).toMatchObject({ untold: 1, trouble: 'mail: the disk is full' })
    world.full = false
    await pass(watch, minute)
    expect(letters).toHaveLength(1)
    expect(watch.report).toEqual({ configured: true, active: watch.report.active, untold: 0 })
  })

  test('say why nobody hears of them for as long as nobody does', async () => {
    const { world, start, pass } = stage({ webhook: { url: new URL('http://hooks.test/') } })
    const watch = start()
    world.report = (report) => report(processMetrics.configLoaded, 0)
    // Between two tries nothing is tried, and the reason is the same.
    for (let looks = 0; looks < 10; looks++) {
      await pass(watch, minute / 2)
      expect(watch.report).toMatchObject({
        untold: 1,
        trouble: expect.stringMatching(/^webhook: /),
      })
    }
    world.report = (report) => report(processMetrics.configLoaded, 1)
    world.settings = settings
    await pass(watch, 5 * minute)
    expect(watch.report).toEqual({ configured: true, active: [], untold: 0 })
  })

  test('come all the same where the store fails', async () => {
    const { letters, world, start, pass, store } = stage()
    store.fail(true)
    world.report = (report) => report(processMetrics.configLoaded, 0)
    await pass(start(), 2 * minute)
    expect(letters).toHaveLength(1)
  })

  test('can be tried out', async () => {
    const { letters, start } = stage()
    expect(await start().test()).toMatchObject({ untold: 0 })
    expect(letters[0]?.subject).toBe('[mx.postern.test] test: test')
  })

  test('go to nobody where nobody is named', async () => {
    const { letters, world, start, pass } = stage()
    world.settings = undefined
    world.report = (report) => report(processMetrics.configLoaded, 0)
    const watch = start()
    await pass(watch, 5 * minute)
    expect(letters).toEqual([])
    expect(watch.report.configured).toBe(false)
  })
})

function signatures(report: MetricReport, server: string, seconds: number): void {
  const name = 'postern_plugin_clamav_signatures_timestamp_seconds'
  const metric = gaugeMetric(name, 'x', ['entry', 'server'], { merging: 'max' })
  report(metric, seconds, { entry: 'clamav', server })
}

function rests(report: MetricReport, entry: string, what: Record<string, string>): void {
  const [label = ''] = Object.keys(what)
  const name = `postern_plugin_${entry}_${label}_resting`
  report(gaugeMetric(name, 'x', ['entry', label], { merging: 'max' }), 1, { entry, ...what })
}

async function healthOf(
  report: (report: MetricReport, now: number) => void,
  before: AlertMemory = nothingRemembered,
) {
  const clock = fakeClock()
  const metrics = metricRegistry(clock)
  metrics.watch((each) => report(each, clock.now()))
  const looking = { limits: settings, before, supervisor: 1 }
  const { readings, memory } = look(await metrics.snapshot(), looking)
  const bad = readings.filter(({ health }) => health === 'bad').map(({ key }) => key)
  return { bad, memory, now: clock.now() }
}

describe('a gateway is in trouble', () => {
  test.each<[string, string, (report: MetricReport, now: number) => void]>([
    [
      'when many messages wait',
      'queue/depth',
      (report) => {
        report(queueMetrics.messages, 60, { state: 'fresh' })
        report(queueMetrics.messages, 60, { state: 'deferred' })
      },
    ],
    [
      'when a message waits long for its first try',
      'queue/age',
      (report) => report(queueMetrics.oldest, 3601, { state: 'fresh' }),
    ],
    [
      'when virus signatures are old',
      'signatures/clamav/clamd',
      (report, now) => signatures(report, 'clamd', (now - 3 * day) / 1000 - 60),
    ],
    [
      'when a certificate expires soon',
      'certificate/mx/mx.postern.test',
      (report, now) => {
        const labels = { listener: 'mx', name: 'mx.postern.test' }
        report(receiverMetrics.certificateExpiry, (now + 20 * day) / 1000, labels)
      },
    ],
    [
      'when a certificate expires that a rule of tcp.smtp chooses',
      'certificate//client.postern.test',
      (report, now) => {
        const labels = { listener: '', name: 'client.postern.test' }
        report(receiverMetrics.certificateExpiry, (now - day) / 1000, labels)
      },
    ],
    [
      'when the disk is nearly full',
      'disk/space',
      (report) => {
        report(spoolMetrics.diskFree, 9)
        report(spoolMetrics.diskSize, 100)
      },
    ],
    [
      'when inodes run out',
      'disk/inodes',
      (report) => {
        report(spoolMetrics.inodesFree, 9)
        report(spoolMetrics.inodes, 100)
      },
    ],
    [
      'when a worker is missing',
      'workers/missing',
      (report) => {
        report(processMetrics.workers, 1)
        report(processMetrics.workersWanted, 2)
      },
    ],
    [
      'when a message ends workers',
      'messages/suspect',
      (report) =>
        report(worldMetrics.logEvents, 1, { level: 'error', event: 'message.ends-workers' }),
    ],
    [
      'when an entry does without what it depends on',
      'resting/dnsbl/dead.test',
      (report) => rests(report, 'dnsbl', { list: 'dead.test' }),
    ],
    ['when traces are lost', 'traces/dropped', (report) => report(chainMetrics.tracesDropped, 1)],
    [
      'when its configuration is bad',
      'config/not-loaded',
      (report) => report(processMetrics.configLoaded, 0),
    ],
    ['when records are damaged', 'spool/damaged', (report) => report(spoolMetrics.damaged, 1)],
    ['when a store is damaged', 'store/damaged', (report) => report(spoolMetrics.storeDamaged, 1)],
    ['when the store fails', 'store/failing', (report) => report(spoolMetrics.storeFailing, 1)],
    ['when the log fails', 'log/failing', (report) => report(worldMetrics.logFailing, 1)],
  ])('%s', async (_when, key, report) => {
    expect((await healthOf(report)).bad).toEqual([key])
  })

  test('by old signatures for as long as nobody has told of newer ones', async () => {
    const { clock, world, start, pass } = stage()
    const watch = start()
    const active = () => watch.report.active.map(({ key }) => key)
    const old = clock.now() / 1000 - 10 * 86_400
    world.report = (report) => {
      closed(report)
      signatures(report, 'one', old)
    }
    await pass(watch, minute)
    expect(active()).toEqual(['signatures/clamav/one'])
    // A gateway that was restarted, and reaches no scanner.
    world.report = closed
    await pass(watch, hour)
    expect(active()).toEqual(['signatures/clamav/one'])
    // Another server is asked now.
    world.report = (report) => {
      closed(report)
      signatures(report, 'two', clock.now() / 1000)
    }
    await pass(watch, 5 * minute)
    expect(active()).toEqual([])
  })

  test('when an entry that is seldom asked does not answer once in all that time', async () => {
    const { clock, world, start, pass, letters } = stage()
    const said = { answers: 3, faults: 0, aborted: 0 }
    world.report = (report) => {
      closed(report)
      const at = { entry: 'clamav', stage: 'message' }
      const asked = said.answers + said.faults + said.aborted
      report(chainMetrics.verdicts, asked, { ...at, mode: 'enforce', verdict: 'defer' })
      report(chainMetrics.faults, said.faults, { ...at, fault: 'rejected' })
      report(chainMetrics.faults, said.aborted, { ...at, fault: 'aborted' })
    }
    const watch = start()
    const active = () => watch.report.active.map(({ key }) => key)
    // One that failed once may answer the next one; who left has not heard it.
    said.faults += 1
    said.aborted += 1
    await pass(watch, 20 * minute)
    expect(active()).toEqual([])
    said.answers += 1
    await pass(watch, minute)
    for (let hours = 0; hours < 2; hours++) {
      said.faults += 1
      await pass(watch, 2 * minute)
      expect(active()).toEqual([])
      said.faults += 1
      await pass(watch, 2 * minute)
      expect(active()).toEqual([])
      said.answers += 1
      await pass(watch, minute)
    }
    said.faults += 1
    await pass(watch, 20 * minute)
    said.faults += 1
    await pass(watch, minute)
    expect(active()).toEqual(['dependency/clamav'])
    // A new process counts anew, and has heard nothing else; with the first answer it is over.
    Object.assign(said, { answers: 0, faults: 0, aborted: 0 })
    await pass(watch, hour)
    expect(active()).toEqual(['dependency/clamav'])
    said.answers += 1
    clock.advance(minute)
    await pass(watch, 3 * minute)
    expect(active()).toEqual([])
    expect(letters.map(({ subject }) => subject.split('] ')[1])).toEqual([
      'alert: dependency/clamav',
      'over: dependency/clamav',
    ])
  })

  test('when a worker begins again and again, unless the whole gateway did', async () => {
    let memory = nothingRemembered
    let bad: readonly string[] = []
    const beginnings = (supervisor: number) => async (start: number) => {
      const clock = fakeClock()
      const metrics = metricRegistry(clock)
      const seconds = clock.now() / 1000 - start
      metrics.watch((report) => report(processMetrics.started, seconds, { worker: '2' }))
      const looking = { limits: settings, before: memory, supervisor }
      const seen = look(await metrics.snapshot(), looking)
      memory = seen.memory
      bad = seen.readings.filter(({ health }) => health === 'bad').map(({ key }) => key)
    }
    for (const start of [40, 30, 20, 10]) await beginnings(1)(start)
    expect(bad).toEqual(['workers/restarts/2'])
    await beginnings(2)(5)
    expect(bad).toEqual([])
  })

  test('and not for what lies on a file system without a count of inodes', async () => {
    const { bad } = await healthOf((report) => {
      report(spoolMetrics.inodesFree, 0)
      report(spoolMetrics.inodes, 0)
    })
    expect(bad).toEqual([])
  })

  test('and not for a counter that began anew with its process', async () => {
    const before = {
      ...nothingRemembered,
      supervisor: 1,
      growth: { 'traces/dropped': { value: 9, at: 1 } },
    }
    const { bad } = await healthOf((report) => report(chainMetrics.tracesDropped, 5), before)
    expect(bad).toEqual([])
  })
})

test('a worker that did not answer once makes no counter seem to grow', async () => {
  const sums = [
    { workers: 2, dropped: 9 },
    { workers: 1, dropped: 4 },
    { workers: 2, dropped: 9 },
  ]
  const growth = { 'traces/dropped': { value: 9, at: 1 } }
  let memory: AlertMemory = { ...nothingRemembered, supervisor: 1, growth }
  for (const { workers, dropped } of sums) {
    const metrics = metricRegistry(fakeClock())
    metrics.watch((report) => {
      report(processMetrics.workersWanted, 2)
      report(processMetrics.workers, workers)
      report(chainMetrics.tracesDropped, dropped)
    })
    const looking = { limits: settings, before: memory, supervisor: 1 }
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    memory = look(await metrics.snapshot(), looking).memory
  }
  expect(memory.growth['traces/dropped']).toEqual({ value: 9, at: 1 })
})

describe('what the store gives back', () => {
  test('is read, or nothing was kept', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (active, memory) => {
        const value: JsonValue = JSON.parse(JSON.stringify({ version: 1, active, memory }))
        const state = readState(value)
        expect(readState(JSON.parse(JSON.stringify(state)))).toEqual(state)
      }),
    )
  })
})

describe('a call', () => {
  test('is signed with its time', () => {
    const expected = createHmac('sha256', 'key').update('1700000000.{}').digest('hex')
    expect(signature('{}', 'key', 1_700_000_000_999)).toBe(`t=1700000000,v1=${expected}`)
  })
})

test('a time in words is rounded down', () => {
  expect([0, 59_999, 61_000, 7 * hour, 3 * day + hour].map(inWords)).toEqual([
    '0 seconds',
    '59 seconds',
    '1 minute',
    '7 hours',
    '3 days',
  ])
})

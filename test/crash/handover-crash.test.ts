/** Every disk operation in turn is the last one while other programs hand over mail: all of it comes, and comes once. */
import { describe, expect, test } from 'vitest'
import type { Queue } from '../../src/queue/queue.ts'
import { HandOver } from '../../src/queue/hand-over.ts'
import { fakeClock, type FakeClock } from '../../src/testkit/fake-clock.ts'
import { fakeDisk, type FakeDisk } from '../../src/testkit/fake-disk.ts'
import { seededRandom } from '../../src/testkit/seeded-random.ts'
import { Ledger } from './spool-ledger.ts'
import { envelope, messageOf, nextTurn, openSmall, spoolPath, Workload } from './spool-workload.ts'

/** `POSTERN_CRASH_SEEDS=20` looks harder. */
const seeds = Number(process.env['POSTERN_CRASH_SEEDS'] ?? 1)
const timeout = 60_000 * seeds

interface Script {
  readonly disk: FakeDisk
  readonly clock: FakeClock
  readonly ledger: Ledger
}

async function handOver({ disk, clock, ledger }: Script, subject: string, size: number) {
  const bytes = messageOf(subject, size)
  const random = seededRandom(subject.length + size)
  try {
    const file = await HandOver.begin({ disk, clock, random, path: spoolPath })
    await file.write(bytes)
    await file.commit(envelope)
  } catch {
    // It was refused; whether it comes all the same is not for us to say.
    return
  }
  if (!disk.isCut) ledger.promise(subject, { bytes, held: false })
}

/** Delivers whatever is queued, durably. */
async function deliverAll({ disk, clock, ledger }: Script, queue: Queue): Promise<void> {
  for (const { id } of queue.due(clock.now(), 100)) {
    const claim = await queue.claim(id)
    if (claim === undefined) continue
    const subject = claim.entry.message.header.first('subject') ?? ''
    ledger.note(subject, { fate: 'leaving' })
    const result = { outcome: 'delivered', status: '2.0.0', text: 'ok' } as const
    let pending = true
    const over = (fate?: 'gone') => () => {
      pending = false
      if (fate !== undefined && !disk.isCut) ledger.note(subject, { fate })
    }
    queue.settle(claim, [result], 0).then(over('gone'), over())
    while (pending && !disk.isCut) {
      clock.advance(100)
      await nextTurn()
    }
  }
}

async function quiet({ disk }: Script): Promise<void> {
  for (let turns = 0, before = -1; turns < 5 && !disk.isCut; turns++) {
    if (disk.operations.length !== before) turns = 0
    before = disk.operations.length
    await nextTurn()
  }
}

/** Some come while no gateway runs, some while it does; some are delivered and the log turns over behind them. */
async function play(script: Script): Promise<void> {
  const { disk, clock } = script
  await (await openSmall(disk, clock)).close()
  await handOver(script, 'before', 700)
  await handOver(script, 'before-large', 4_000)
  const queue = await openSmall(disk, clock)
  await quiet(script)
  await deliverAll(script, queue)
  await Promise.all([1, 2, 3].map((i) => handOver(script, `during-${i}`, 300 + i)))
  await quiet(script)
  await handOver(script, 'large', 5_000)
  await handOver(script, 'small', 500)
  await quiet(script)
  await new Workload(disk, clock).churn(queue, 3)
  await handOver(script, 'last', 600)
  await queue.close()
}

async function run(disk: FakeDisk): Promise<Script> {
  const script = { disk, clock: fakeClock(), ledger: new Ledger() }
  let running = true
  const over = (): void => void (running = false)
  void play(script).then(over, over)
  while (running && !disk.isCut) await nextTurn()
  return script
}

/** Opens what is left, twice: what was taken in by the first start must not be taken in again by the second. */
async function brokenAfter(disk: FakeDisk, { ledger }: Script): Promise<readonly string[]> {
  const broken: string[] = []
  for (const start of [1, 2]) {
    const script = { disk, clock: fakeClock(), ledger }
    const queue = await openSmall(disk, script.clock)
    await quiet(script)
    broken.push(...(await ledger.brokenBy(queue)).map((word) => `start ${start}: ${word}`))
    await queue.close()
  }
  return broken
}

describe('mail that other programs hand over comes, and comes once', () => {
  test.each(['kill', 'power cut'] as const)(
    'when a %s comes before any operation of the disk',
    async (crash) => {
      const { disk: whole } = await run(fakeDisk())
      const broken: string[] = []
      for (let cut = 1; cut <= whole.operations.length + 1; cut++) {
        for (let seed = 1; seed <= seeds; seed++) {
          const disk = fakeDisk()
          disk.cutBefore = cut
          const script = await run(disk)
          const after =
            crash === 'kill'
              ? disk.afterKill()
              : disk.afterPowerCut(seededRandom(1_000 * cut + seed))
          const words = await brokenAfter(after, script)
          broken.push(...words.map((word) => `${crash} ${cut}, seed ${seed}: ${word}`))
        }
      }
      expect(broken).toEqual([])
    },
    timeout,
  )

  test.each(['DISK_FULL', 'DISK_FAILED'] as const)(
    'when any operation fails with %s, and the gateway starts again',
    async (code) => {
      const { disk: whole } = await run(fakeDisk())
      const broken: string[] = []
      for (let failing = 1; failing <= whole.operations.length; failing++) {
        const disk = fakeDisk()
        disk.fault = ({ number }) => (number === failing ? code : undefined)
        const script = await run(disk)
        const words = await brokenAfter(disk.afterKill(), script)
        broken.push(...words.map((word) => `failure ${failing}: ${word}`))
      }
      expect(broken).toEqual([])
    },
    timeout,
  )
})

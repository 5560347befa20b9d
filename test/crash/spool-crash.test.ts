import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../src/testkit/fake-clock.ts'
import { fakeDisk, type FakeDisk } from '../../src/testkit/fake-disk.ts'
import { seededRandom } from '../../src/testkit/seeded-random.ts'
import { nextTurn, openSmall, Workload } from './spool-workload.ts'

const seedsPerCut = 3

async function wholeRun(): Promise<FakeDisk> {
  const disk = fakeDisk()
  await new Workload(disk).run()
  return disk
}

/** Runs the workload until it ends or the power goes before operation `cut`. */
async function runUntil(cut: number): Promise<{ disk: FakeDisk; workload: Workload }> {
  const disk = fakeDisk()
  disk.cutBefore = cut
  const workload = new Workload(disk)
  let running = true
  const over = (): void => void (running = false)
  void workload.run().then(over, over)
  while (running && !disk.isCut) await nextTurn()
  return { disk, workload }
}

/** Opens what a crash left, holds it against the ledger, uses it, loses power once more, and looks again. */
async function checkAfter(
  disk: FakeDisk,
  { ledger }: Workload,
  { context, rounds }: { context: string; rounds: number },
): Promise<void> {
  const clock = fakeClock()
  const queue = await openSmall(disk, clock)
  await ledger.check(queue, context)
  const again = new Workload(disk, clock)
  for (const i of [1, 2]) await again.commit(queue, `again-${i}`, { sizeBytes: 1_800 })
  await again.churn(queue, rounds)
  const last = await openSmall(disk.afterPowerCut(seededRandom(7)), fakeClock())
  await ledger.check(last, `${context}, and again`)
  await again.ledger.check(last, `${context}, and again`)
  expect(again.ledger.count('promised')).toBe(2)
}

describe('a crash', () => {
  test('by power cut before any operation loses nothing promised, whatever of the unsynced comes through', async () => {
    const { operations } = await wholeRun()
    for (let cut = 1; cut <= operations.length + 1; cut++) {
      for (let seed = 0; seed < seedsPerCut; seed++) {
        const { disk, workload } = await runUntil(cut)
        const after = disk.afterPowerCut(seededRandom(1000 * cut + seed))
        await checkAfter(after, workload, { context: `cut ${cut}, seed ${seed}`, rounds: 0 })
      }
    }
  }, 120_000)

  test('by a kill before any operation, and a power cut later, loses nothing promised', async () => {
    const { operations } = await wholeRun()
    for (let cut = 1; cut <= operations.length + 1; cut++) {
      const { disk, workload } = await runUntil(cut)
      await checkAfter(disk.afterKill(), workload, { context: `kill ${cut}`, rounds: 12 })
    }
  }, 120_000)
})

describe('a disk that fails', () => {
  const faults = ['DISK_FULL', 'DISK_FAILED'] as const

  test.each(faults)(
    'with %s at any operation loses nothing promised and brings back nothing refused',
    async (code) => {
      const { operations } = await wholeRun()
      for (const failures of [1, 6]) {
        for (let first = 1; first <= operations.length; first++) {
          const disk = fakeDisk()
          disk.fault = ({ number }) =>
            number >= first && number < first + failures ? code : undefined
          const workload = new Workload(disk)
          await workload.run().catch(() => undefined)
          const after = disk.afterPowerCut(seededRandom(first))
          await checkAfter(after, workload, {
            context: `${failures} failures from ${first}`,
            rounds: 0,
          })
        }
      }
    },
    120_000,
  )
})

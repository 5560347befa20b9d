/** Every operation of the spool's disk in turn is the last, or fails; what then comes back is held against what was said. */
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../src/testkit/fake-clock.ts'
import { fakeDisk, type FakeDisk } from '../../src/testkit/fake-disk.ts'
import { seededRandom } from '../../src/testkit/seeded-random.ts'
import { nextTurn, openSmall, Workload } from './spool-workload.ts'

/** `POSTERN_CRASH_SEEDS=20` looks harder. */
const seeds = Number(process.env['POSTERN_CRASH_SEEDS'] ?? 1)
const timeout = 60_000 * seeds

interface Run {
  readonly disk: FakeDisk
  readonly workload: Workload
}

/** Runs the workload until it ends or the power goes. */
async function run(disk: FakeDisk): Promise<Run> {
  const workload = new Workload(disk)
  let running = true
  const over = (): void => void (running = false)
  void workload.run().then(over, over)
  while (running && !disk.isCut) await nextTurn()
  return { disk, workload }
}

async function runUntil(cut: number): Promise<Run> {
  const disk = fakeDisk()
  disk.cutBefore = cut
  return run(disk)
}

async function countOperations(): Promise<number> {
  const { disk } = await run(fakeDisk())
  return disk.operations.length
}

/** Opens what a crash left, holds it against the ledger, uses it, loses power once more, and looks again. */
async function brokenAfter(
  disk: FakeDisk,
  { ledger }: Workload,
  { context, rounds, seed }: { context: string; rounds: number; seed: number },
): Promise<readonly string[]> {
  const clock = fakeClock()
  const queue = await openSmall(disk, clock)
  const first = await ledger.brokenBy(queue)
  const again = new Workload(disk, clock)
  for (const i of [1, 2]) await again.commit(queue, `again-${i}`, { sizeBytes: 1_800 })
  await again.churn(queue, rounds)
  const last = await openSmall(disk.afterPowerCut(seededRandom(seed)), fakeClock())
  const second = [...(await ledger.brokenBy(last)), ...(await again.ledger.brokenBy(last))]
  if (again.ledger.count('promised') !== 2) second.push('the spool cannot be used')
  return [
    ...first.map((complaint) => `${context}: ${complaint}`),
    ...second.map((complaint) => `${context}, used and cut once more: ${complaint}`),
  ]
}

describe('nothing promised is lost and nothing refused or settled comes back', () => {
  test(
    'when the power is cut before any operation, whatever of the unsynced comes through',
    async () => {
      const broken: string[] = []
      const operations = await countOperations()
      for (let cut = 1; cut <= operations + 1; cut++) {
        for (let seed = 1; seed <= seeds; seed++) {
          const { disk, workload } = await runUntil(cut)
          const after = disk.afterPowerCut(seededRandom(1_000 * cut + seed))
          const context = `cut ${cut}, seed ${seed}`
          broken.push(...(await brokenAfter(after, workload, { context, seed, rounds: 0 })))
        }
      }
      expect(broken).toEqual([])
    },
    timeout,
  )

  test(
    'when the gateway is killed before any operation, and the power is cut later',
    async () => {
      const broken: string[] = []
      const operations = await countOperations()
      for (let cut = 1; cut <= operations + 1; cut++) {
        for (let seed = 1; seed <= seeds; seed++) {
          const { disk, workload } = await runUntil(cut)
          const context = `kill ${cut}, seed ${seed}`
          const rounds = 2 + ((cut * 5 + seed) % 11)
          const after = disk.afterKill()
          broken.push(...(await brokenAfter(after, workload, { context, seed, rounds })))
        }
      }
      expect(broken).toEqual([])
    },
    timeout,
  )

  test.each(['DISK_FULL', 'DISK_FAILED'] as const)(
    'when an operation, or several in a row, fail with %s',
    async (code) => {
      const broken: string[] = []
      const operations = await countOperations()
      for (let first = 1; first <= operations; first++) {
        const failures = first % 3 === 0 ? 6 : 1
        const disk = fakeDisk()
        disk.fault = ({ number }) =>
          number >= first && number < first + failures ? code : undefined
        const { workload } = await run(disk)
        const after = disk.afterPowerCut(seededRandom(first))
        const context = `${failures} failures from ${first}`
        broken.push(...(await brokenAfter(after, workload, { context, seed: first, rounds: 0 })))
      }
      expect(broken).toEqual([])
    },
    timeout,
  )

  test.each(['power cut', 'kill'] as const)(
    'when an operation fails and a %s follows soon',
    async (crash) => {
      const broken: string[] = []
      const operations = await countOperations()
      for (let failing = 1; failing <= operations; failing++) {
        for (let seed = 1; seed <= seeds; seed++) {
          const disk = fakeDisk()
          disk.cutBefore = failing + 1 + ((failing * 7 + seed * 3) % 11)
          disk.fault = ({ number }) => (number === failing ? 'DISK_FAILED' : undefined)
          const { workload } = await run(disk)
          const killed = crash === 'kill'
          const after = killed ? disk.afterKill() : disk.afterPowerCut(seededRandom(failing))
          const context = `failure ${failing}, ${crash} at ${disk.cutBefore}`
          const rounds = killed ? 4 : 0
          broken.push(...(await brokenAfter(after, workload, { context, seed, rounds })))
        }
      }
      expect(broken).toEqual([])
    },
    timeout,
  )
})

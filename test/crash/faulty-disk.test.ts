/**
 * System calls of a real gateway fail, one after the other: what it answers then, that it lives, that it accepts again
 * when they do not, and that its spool holds what it has promised. And how many syncs a promise costs.
 */
import { mkdir } from 'node:fs/promises'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  eventually,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { isAlive, killAll, workersOf } from '../end-to-end/worker-processes.ts'
import { isMissing } from '../setup/components.ts'
import { emptyLedger, sendUntilBroken, type Ledger } from './ledger-sender.ts'
import { brokenPromises, holdingFolder, spoolOf } from './promises.ts'
import { attach, type Attached } from './strace.ts'

/** `POSTERN_FAULTS=12` looks at more calls of each kind. */
const depth = Number(process.env['POSTERN_FAULTS'] ?? 3)
const recipient = 'ledger@postern.test'
const writes = ['pwritev', 'pwrite64']
const syncs = ['fdatasync', 'fsync']

let folder: GatewayFolder
let gateway: StartedGateway | undefined
afterEach(async () => {
  if (gateway !== undefined) await killAll(gateway).catch(() => undefined)
  gateway = undefined
  await folder.remove()
})

/** One thread in the pool, so that calls can be counted. */
async function start(): Promise<StartedGateway> {
  gateway = await startGateway(folder, { env: { UV_THREADPOOL_SIZE: '1' } })
  return gateway
}

/** Whatever the gateway may write for its promises: segments there are and will be, and the folders. */
function spoolPaths(): readonly string[] {
  const spool = spoolOf(folder)
  const last = Math.max(0, ...readdirSync(join(spool, 'log')).map(Number))
  const names = Array.from({ length: last + 8 }, (_, index) => String(index + 1).padStart(6, '0'))
  return [
    ...names.map((name) => join(spool, 'log', name)),
    join(spool, 'log'),
    join(spool, 'large'),
  ]
}

function interfere(gateway: number, calls: readonly string[], inject?: string): Promise<Attached> {
  const [pid = gateway] = workersOf(gateway)
  return attach({
    pid,
    calls,
    paths: spoolPaths(),
    log: join(folder.root, 'strace.log'),
    ...(inject === undefined ? {} : { inject }),
  })
}

/** The log prepares its next segment in the background: that is over when no file grows any more. */
async function settled(): Promise<void> {
  const log = join(spoolOf(folder), 'log')
  const sizes = (): string =>
    readdirSync(log)
      .map((name) => `${name} ${statSync(join(log, name)).blocks}`)
      .join()
  let before = ''
  let same = 0
  await eventually(async () => {
    const now = sizes()
    same = now === before ? same + 1 : 0
    before = now
    return same > 20 ? true : undefined
  }, 'a log at rest')
}

function send(port: number, ledger: Ledger, prefix: string, limit: number, sizeBytes?: number) {
  const size = sizeBytes === undefined ? {} : { sizeBytes }
  return sendUntilBroken(port, ledger, { prefix, limit, recipient, ...size })
}

async function acceptsAgain(port: number, ledger: Ledger, name: string): Promise<void> {
  let attempt = 0
  await eventually(async () => {
    const id = `${name}-again-${attempt++}`
    await send(port, ledger, id, 1)
    return ledger.acknowledged.has(`${id}-0`) ? true : undefined
  }, `${name}: a 250 after the fault`)
}

const times = Array.from({ length: depth }, (_, index) => `when=${index + 1}`)
const faults = [writes, syncs].flatMap((calls) =>
  ['EIO', 'ENOSPC'].flatMap((error) =>
    [...times, 'when=1+'].map((when) => ({ calls, inject: `error=${error}:${when}` })),
  ),
)

describe.skipIf(isMissing('strace'))('a gateway on a disk that fails', () => {
  test(
    'refuses with 451 or 452 what it cannot promise, lives, and accepts again; nothing promised is lost',
    { timeout: 60_000 + faults.length * 10_000 },
    async () => {
      folder = await holdingFolder()
      const failing = await start()
      const { port, pid } = failing
      const ledger = emptyLedger()
      await send(port, ledger, 'before', 3)
      let injected = 0
      for (const [index, { calls, inject }] of faults.entries()) {
        const attached = await interfere(pid, calls, inject)
        const name = `${index}-${inject}`
        await send(port, ledger, name, 4)
        await send(port, ledger, `${name}-large`, 1, 300_000)
        const seen = await attached.stop()
        injected += seen.filter((line) => line.includes('INJECTED')).length
        await acceptsAgain(port, ledger, name)
      }
      const refusals = [...ledger.refused.values()]
      for (const reply of refusals) expect(reply).toMatch(/^45[12] 4\.3\.[01] /)
      expect(injected).toBeGreaterThanOrEqual(faults.length / 2)
      expect(refusals.length).toBeGreaterThanOrEqual(faults.length / 4)

      await killAll(failing)
      expect(await brokenPromises(spoolOf(folder), ledger)).toEqual([])
      const again = await start()
      expect(await brokenPromises(spoolOf(folder), ledger)).toEqual([])
      await again.stop()
    },
  )

  test(
    'and is killed at any of its calls has all it promised',
    { timeout: 60_000 + depth * 40_000 },
    async () => {
      folder = await holdingFolder()
      await mkdir(spoolOf(folder), { recursive: true })
      const ledger = emptyLedger()
      for (const calls of [writes, syncs]) {
        for (let at = 1; at <= depth; at++) {
          const dying = await start()
          const [worker] = workersOf(dying.pid)
          const attached = await interfere(dying.pid, calls, `signal=KILL:when=${at * 2}`)
          const senders = [1, 2, 3].map((sender) =>
            send(dying.port, ledger, `${calls[0]}-${at}-${sender}`, 1_000),
          )
          await eventually(
            async () => (worker !== undefined && isAlive(worker) ? undefined : true),
            'the end of the worker',
          )
          // What the supervisor puts in its place is another start, and looked at elsewhere.
          await killAll(dying)
          await Promise.all(senders)
          await attached.stop()
          expect(await brokenPromises(spoolOf(folder), ledger)).toEqual([])
        }
      }
      await (await start()).stop()
      expect(await brokenPromises(spoolOf(folder), ledger)).toEqual([])
    },
  )
})

describe.skipIf(isMissing('strace'))('a promise', () => {
  test.each([
    ['made alone costs one sync', 1, 20, { least: 1, most: 1 }],
    ['made among 50 sessions costs a fifth of one at most', 50, 10, { least: 0, most: 0.2 }],
  ])('%s', { timeout: 120_000 }, async (_, sessions, each, { least, most }) => {
    folder = await holdingFolder()
    const { port, pid } = await start()
    const ledger = emptyLedger()
    // The first message goes into a file that grows; a later one moves on to the next, and another one is prepared.
    for (const name of ['first', 'second']) {
      await send(port, ledger, name, 1)
      await settled()
    }
    const attached = await interfere(pid, syncs)
    await Promise.all(
      Array.from({ length: sessions }, (_s, session) => send(port, ledger, `s${session}`, each)),
    )
    const seen = await attached.stop()
    const promised = sessions * each
    expect(ledger.acknowledged.size).toBe(2 + promised)
    expect(seen.length / promised).toBeLessThanOrEqual(most)
    expect(seen.length / promised).toBeGreaterThanOrEqual(least)
    expect(seen.length).toBeGreaterThan(0)
  })
})

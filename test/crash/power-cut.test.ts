/** The power goes, really: the spool lies on a disk that stops at once, and what comes up again is held against the ledger. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  eventually,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { killAll } from '../end-to-end/worker-processes.ts'
import { isMissing } from '../setup/components.ts'
import { emptyLedger, sendUntilBroken, type Ledger } from './ledger-sender.ts'
import { loopDisk, obstacleToLoopDisks, type LoopDisk } from './loop-disk.ts'
import { brokenPromises, gatewayOn } from './promises.ts'

const cuts = Number(process.env['POSTERN_CUTS'] ?? 3)
const quietCuts = Number(process.env['POSTERN_QUIET_CUTS'] ?? 3)
const senders = 6

const missing = isMissing('python3', 'e2fsprogs')
const obstacle = missing ? 'python3 or mkfs.ext4 is missing' : obstacleToLoopDisks()

let disk: LoopDisk
let folder: GatewayFolder
let gateway: StartedGateway
beforeEach(() => {
  disk = loopDisk()
})
afterEach(async () => {
  await killAll(gateway)
  disk.remove()
  await folder.remove()
})

/** What was said up to now; what is said later does not count. */
function copyOf({ acknowledged, refused }: Ledger): Ledger {
  return { acknowledged: new Map(acknowledged), refused: new Map(refused) }
}

/** The ledger is copied before the cut: a 250 that was read by then rests on an earlier sync. */
async function cutPower(ledger: Ledger): Promise<Ledger> {
  const told = copyOf(ledger)
  disk.cut()
  await killAll(gateway)
  disk.mountAgain()
  return told
}

async function brokenNow(told: Ledger): Promise<readonly string[]> {
  return brokenPromises(`${disk.path}/spool`, told, `${disk.path}/mail/postern.test/ledger`)
}

/** As the files are, and as the next start makes them. */
async function brokenAfter(told: Ledger): Promise<readonly string[]> {
  const before = await brokenNow(told)
  gateway = await startGateway(folder)
  await gateway.stop()
  return [...before, ...(await brokenNow(told))]
}

describe.skipIf(obstacle !== undefined)(
  `a power cut loses no message answered 250${obstacle === undefined ? '' : ` (${obstacle})`}`,
  () => {
    test(
      `under load, ${cuts} times, delivering and not`,
      { timeout: 60_000 + cuts * 20_000 },
      async () => {
        let told = emptyLedger()
        for (let round = 0; round < cuts; round++) {
          folder = await gatewayOn(disk.path, { paused: round % 2 === 0 })
          gateway = await startGateway(folder)
          const ledger = copyOf(told)
          const before = ledger.acknowledged.size
          const sending = Array.from({ length: senders }, (_, sender) =>
            sendUntilBroken(gateway.port, ledger, {
              prefix: `${round}-${sender}`,
              limit: 100_000,
              recipient: 'ledger@postern.test',
            }),
          )
          await eventually(
            async () =>
              ledger.acknowledged.size - before > 20 + ((round * 97) % 400) ? true : undefined,
            'enough acknowledgements',
          )
          told = await cutPower(ledger)
          await Promise.all(sending)
          expect(await brokenAfter(told), `cut ${round}`).toEqual([])
          await folder.remove()
          if (round % 10 === 9) {
            disk.remove()
            disk = loopDisk()
            told = emptyLedger()
          }
        }
      },
    )

    test(
      `right after the only message, ${quietCuts} times`,
      { timeout: 60_000 + quietCuts * 20_000 },
      async () => {
        folder = await gatewayOn(disk.path, { paused: true })
        let told = emptyLedger()
        for (let round = 0; round < quietCuts; round++) {
          gateway = await startGateway(folder)
          const ledger = copyOf(told)
          await sendUntilBroken(gateway.port, ledger, {
            prefix: `quiet-${round}`,
            limit: 1 + (round % 3),
            recipient: 'ledger@postern.test',
            // Every third is a file of its own.
            ...(round % 3 === 2 ? { sizeBytes: 300_000 } : {}),
          })
          expect(ledger.acknowledged.size).toBeGreaterThan(told.acknowledged.size)
          told = await cutPower(ledger)
          expect(await brokenAfter(told), `cut ${round}`).toEqual([])
        }
      },
    )
  },
)

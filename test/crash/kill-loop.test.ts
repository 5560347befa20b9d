import { expect, test } from 'vitest'
import { eventually, gatewayFolder, mailIn, startGateway } from '../end-to-end/started-gateway.ts'
import { emptyLedger, foundIn, sendUntilBroken } from './ledger-sender.ts'

const kills = Number(process.env['POSTERN_KILLS'] ?? 20)
const senders = 6

test(
  'a gateway killed again and again under load loses no message that it answered 250',
  {
    timeout: 60_000 + kills * 15_000,
  },
  async () => {
    const folder = await gatewayFolder()
    const ledger = emptyLedger()
    for (let round = 0; round < kills; round++) {
      const gateway = await startGateway(folder)
      const before = ledger.acknowledged.size
      const sending = Array.from({ length: senders }, (_, sender) =>
        sendUntilBroken(gateway.port, ledger, {
          prefix: `${round}-${sender}`,
          limit: 100_000,
          recipient: 'ledger@postern.test',
        }),
      )
      // Each round dies at another point of the work: after some more acknowledgements than the last.
      await eventually(
        async () =>
          ledger.acknowledged.size - before > 5 + ((round * 61) % 300) ? true : undefined,
        'enough acknowledgements',
      )
      gateway.signal('SIGKILL')
      await Promise.all([gateway.exited(), ...sending])
    }

    const gateway = await startGateway(folder)
    const found = await eventually(async () => {
      const copies = foundIn(await mailIn(folder, 'postern.test', 'ledger'))
      return [...ledger.acknowledged.keys()].every((id) => copies.has(id)) ? copies : undefined
    }, 'all acknowledged messages')
    for (const [id, digest] of ledger.acknowledged) expect(found.get(id), id).toContain(digest)
    for (const copies of found.values()) expect(new Set(copies).size).toBe(1)
    for (const id of ledger.refused.keys()) expect(found.has(id), id).toBe(false)
    await gateway.stop()
    await folder.remove()
  },
)

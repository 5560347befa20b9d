/** What the envelope chain of the bench knows: recipients, and a greylist that knows the client. As many of both as one likes. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildCdb } from '../../src/formats/cdb-writer.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { openStore } from '../../src/runtime/node/store.ts'
import { silentLog } from '../../src/tools/silent-log.ts'
import { checkout } from '../end-to-end/started-gateway.ts'

export const clientAddress = '192.0.2.9'
export const tablesPerStore = 50_000
const domain = 'postern.test'
const batch = 10_000

/** @param entries recipients in the cdb, and keys in the greylist, beside those that the load needs. @returns the folder */
export async function chainData(entries: number): Promise<string> {
  mkdirSync(join(checkout, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(checkout, '.cache/bench-chain-'))
  mkdirSync(join(folder, 'control'))
  mkdirSync(join(folder, 'tables'))
  writeFileSync(join(folder, 'control/rcpthosts'), `${domain}\n`)
  writeFileSync(join(folder, 'control/badmailfrom'), 'eve@bad.test\n@worse.test\n')
  writeFileSync(
    join(folder, 'tables/lists'),
    'block sender @spam.test\nallow client 198.51.100.0/24\n',
  )
  writeFileSync(join(folder, 'control/validrcptto.cdb'), buildCdb(recipients(entries)))
  await fillGreylist(join(folder, 'store.db'), entries)
  return folder
}

function* recipients(count: number): Generator<readonly [Uint8Array, Uint8Array], void> {
  const nothing = Buffer.alloc(0)
  yield [Buffer.from(`bench@${domain}`), nothing]
  for (let n = 0; n < count; n++) yield [Buffer.from(`user${n}@${domain}`), nothing]
}

async function fillGreylist(path: string, count: number): Promise<void> {
  const store = await openStore({ path, clock: systemClock, log: silentLog })
  try {
    const keys = store.table('entry/greylist/keys', { maxEntries: 1_000_000 })
    const now = systemClock.now()
    const page = [now - 3_600_000, now - 60_000, 1]
    for (let from = 0; from < count; from += batch) {
      const some = Array.from({ length: Math.min(batch, count - from) }, (_, n) => {
        const key = `198.51.${(from + n) % 256}.0/24 <sender${from + n}@far.test> user${n}@${domain}`
        return keys.put(key, page, now + 86_400_000)
      })
      await Promise.all(some)
    }
    await keys.put(`spf:client.test * bench@${domain}`, page, now + 86_400_000)
  } finally {
    await store.close()
  }
}

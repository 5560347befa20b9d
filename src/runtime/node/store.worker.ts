/** The store's thread: opens the file, then works through batches until it is told to close. */
import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, ToThread } from './database-thread.ts'
import { openStoreDatabase } from './store-database.ts'
import { decodeBatch, type StoreResult, type StoreWork } from './store-protocol.ts'

const say = (message: FromThread<readonly StoreResult[]>): void => parentPort?.postMessage(message)

try {
  const { path, now }: { path: string; now: number } = workerData
  const { database, damaged, upgraded } = openStoreDatabase(path, now)
  parentPort?.on('message', (message: ToThread<StoreWork>) => {
    if (message.say === 'ask') {
      const { now: at, batch } = message.request
      say({ say: 'done', id: message.id, answer: database.work(decodeBatch(batch), at) })
      return
    }
    database.close()
    say({ say: 'closed' })
    parentPort?.close()
  })
  say({
    say: 'ready',
    ...(damaged === undefined ? {} : { damaged }),
    ...(upgraded === undefined ? {} : { upgraded }),
  })
} catch (error) {
  say({ say: 'failed', error: String(error) })
}

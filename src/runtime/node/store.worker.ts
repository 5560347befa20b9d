/** The store's thread: opens the file, then works through batches until it is told to close. */
import { parentPort, workerData } from 'node:worker_threads'
import { openStoreDatabase } from './store-database.ts'
import { decodeBatch, type FromWorker, type ToWorker } from './store-protocol.ts'

const say = (message: FromWorker): void => parentPort?.postMessage(message)

try {
  const { path, now }: { path: string; now: number } = workerData
  const { database, damaged } = openStoreDatabase(path, now)
  parentPort?.on('message', (message: ToWorker) => {
    if (message.say === 'work') {
      say({ say: 'done', results: database.work(decodeBatch(message.batch), message.now) })
      return
    }
    database.close()
    say({ say: 'closed' })
    parentPort?.close()
  })
  say({ say: 'ready', ...(damaged === undefined ? {} : { damaged }) })
} catch (error) {
  say({ say: 'failed', error: String(error) })
}

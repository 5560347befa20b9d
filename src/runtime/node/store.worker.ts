/** The store's thread: works through batches until it is told to close, on whatever file there is at the time. */
import { parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '../../mail/errors.ts'
import type { FromThread, ToThread } from './database-thread.ts'
import { openStoreDatabase, type StoreDatabase } from './store-database.ts'
import { StoreFile } from './store-file.ts'
import {
  decodeBatch,
  type StoreData,
  type StoreNews,
  type StoreResult,
  type StoreWork,
} from './store-protocol.ts'

const say = (message: FromThread<readonly StoreResult[], StoreNews>): void =>
  parentPort?.postMessage(message)

/** Beside the one whose file it is: what it cannot open it leaves alone. */
function asVisitor(path: string): Pick<StoreFile, 'work' | 'close'> {
  const { database }: { readonly database: StoreDatabase } = openStoreDatabase(path)
  return {
    work(operations, now) {
      try {
        return database.work(operations, now)
      } catch (error) {
        return operations.map(() => ({ ok: false, error: String(error) }))
      }
    },
    close: () => database.close(),
  }
}

/** Nothing that ails the file keeps it from starting: it may be well when it is needed. */
function asOwner(path: string, now: number): StoreFile {
  const file = new StoreFile(path, (news) => say({ say: 'news', news }))
  try {
    file.open(now)
  } catch (error) {
    say({ say: 'news', news: { notOpen: String(error) } })
  }
  return file
}

try {
  const { path, now, visits }: StoreData = workerData
  const file = visits ? asVisitor(path) : asOwner(path, now)
  parentPort?.on('message', (message: ToThread<StoreWork>) => {
    if (message.say === 'ask') {
      const { now: at, batch } = message.request
      say({ say: 'done', id: message.id, answer: file.work(decodeBatch(batch), at) })
      return
    }
    file.close()
    say({ say: 'closed' })
    parentPort?.close()
  })
  say({ say: 'ready' })
} catch (error) {
  say({ say: 'failed', error: errorMessage(error) })
}

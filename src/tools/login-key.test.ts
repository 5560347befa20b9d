import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import type { Store } from '../runtime/store.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { loginKey } from './login-key.ts'

describe('the key of what strangers are shown', () => {
  test('is the same after a restart', async () => {
    const store = memoryStore(fakeClock())
    const first = await loginKey(store, seededRandom(1))
    expect(first).toHaveLength(32)
    expect(Buffer.from(await loginKey(store, seededRandom(2)))).toEqual(Buffer.from(first))
  })

  test('is made anew where what was kept is none', async () => {
    const store = memoryStore(fakeClock())
    await store.table('login', { maxEntries: 1 }).put('key', 'abc')
    expect(await loginKey(store, seededRandom(1))).toHaveLength(32)
  })

  test('lasts until the next start where the store fails', async () => {
    const fails = (): Promise<never> => Promise.reject(new PosternError('STORE_FAILED'))
    const table = { get: fails, put: fails, putLater: () => {}, delete: fails, scan: fails }
    const store: Store = { table: () => table, close: () => Promise.resolve() }
    expect(await loginKey(store, seededRandom(1))).toHaveLength(32)
  })
})

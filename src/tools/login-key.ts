import { isPosternError } from '../mail/errors.ts'
import type { Random } from '../runtime/random.ts'
import type { Store } from '../runtime/store.ts'

const keyBytes = 32

/**
 * The key that what strangers are shown at a login is made of: the same after a restart, so that it does not tell them
 * from users. Where the store fails it lasts until the next start: a login is not refused for that.
 */
export async function loginKey(store: Store, random: Random): Promise<Uint8Array> {
  const table = store.table('login', { maxEntries: 1 })
  const fresh = random.bytes(keyBytes)
  try {
    const kept = keyOf(await table.get('key'))
    if (kept !== undefined) return kept
    await table.put('key', Buffer.from(fresh).toString('hex'))
    // Another process may have put its own a moment later.
    return keyOf(await table.get('key')) ?? fresh
  } catch (error) {
    if (!isPosternError(error)) throw error
    return fresh
  }
}

function keyOf(value: unknown): Uint8Array | undefined {
  const key = typeof value === 'string' ? Buffer.from(value, 'hex') : undefined
  return key?.length === keyBytes ? key : undefined
}

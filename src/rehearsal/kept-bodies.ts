/** Bodies of recorded messages that the spool still holds: queued, deferred, held and quarantined ones. */
import type { Trace } from '../filter/trace-reader.ts'
import type { Message } from '../mail/message.ts'

/** Messages by their queue ids. @throws PosternError DISK_FAILED */
export interface KeptCopies {
  find(id: string): Promise<{ readonly message: Message } | undefined>
}

/** Larger ones are left where they are: nobody replays a day's films. */
const mostBytes = 32 * 1_048_576

/**
 * The body as it was received.
 * @returns undefined where no copy is left, or what is left is what a program handed back
 * @throws PosternError DISK_FAILED
 */
export async function keptBody(
  kept: KeptCopies,
  { queueIds, sizeBytes = 0, steps }: Trace,
): Promise<Uint8Array | undefined> {
  if (sizeBytes > mostBytes) return undefined
  if (steps.some(({ details }) => details['replacement'] !== undefined)) return undefined
  for (const id of queueIds) {
    // oxlint-disable-next-line no-await-in-loop -- the first that is there is enough
    const entry = await kept.find(id)
    if (entry === undefined) continue
    const { message } = entry
    const { bodyOffset: offset } = message
    const chunks = message.read({ offset, length: message.sizeBytes - offset })
    // oxlint-disable-next-line no-await-in-loop -- as above
    return Buffer.concat(await Array.fromAsync(chunks))
  }
  return undefined
}

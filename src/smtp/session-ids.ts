import type { Random } from '../runtime/random.ts'

/** Names for sessions: a random start that tells processes apart, and a number. Short, safe in logs and replies. */
export function sessionIds(random: Random): () => string {
  const start = Buffer.from(random.bytes(4)).toString('hex')
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}

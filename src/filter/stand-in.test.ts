import { describe, expect, test } from 'vitest'
import { scramKeys, type LoginSecret } from '../mail/login-secret.ts'
import { StandIn } from './stand-in.ts'

const own = await scramKeys('secret', { salt: Buffer.alloc(16, 1), iterations: 30_000 })
const imported = await scramKeys('secret', { salt: Buffer.alloc(12, 1), iterations: 4_096 })
const names = Array.from({ length: 200 }, (_, index) => `user${index}`)

/** What can be seen of it. */
function kindOf(secret: LoginSecret): string {
  return 'password' in secret ? 'password' : `${secret.iterations} ${secret.salt.length}`
}

function standIn(...seen: readonly LoginSecret[]): StandIn {
  const made = new StandIn(Buffer.alloc(32, 7))
  for (const secret of seen) made.saw(secret)
  return made
}

describe('what strangers are shown', () => {
  test('are keys as we make them, until it is known what users have', () => {
    expect(kindOf(standIn().secretOf('mallory'))).toBe('30000 16')
    expect(kindOf(standIn(imported).secretOf('mallory'))).toBe('4096 12')
  })

  test('is of each kind that users have, always the same for a name, in whatever order they were seen', () => {
    const [one, other] = [standIn(own, imported, own), standIn(imported, imported, own)]
    const kinds = names.map((name) => kindOf(one.secretOf(name)))
    expect(new Set(kinds)).toEqual(new Set(['30000 16', '4096 12']))
    one.saw(own)
    one.saw(imported)
    expect(names.map((name) => kindOf(one.secretOf(name)))).toEqual(kinds)
    expect(names.map((name) => kindOf(other.secretOf(name)))).toEqual(kinds)
  })

  test('never is more than a few kinds', () => {
    const made = standIn()
    for (let count = 0; count < 100; count++) made.saw({ ...own, iterations: 5_000 + count })
    expect(new Set(names.map((name) => kindOf(made.secretOf(name)))).size).toBeLessThanOrEqual(8)
  })
})

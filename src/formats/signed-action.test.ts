import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readAction, signAction, type SignedAction } from './signed-action.ts'

const key = Buffer.alloc(32, 7)
const actions: fc.Arbitrary<SignedAction> = fc.record({
  action: fc.constantFrom('release' as const, 'delete' as const),
  id: fc.string({ maxLength: 20 }),
  recipient: fc.emailAddress(),
  expiresAt: fc.integer({ min: 1, max: 2_000_000_000_000 }),
})

test('a token says what was signed until it expires, and not a moment longer', () => {
  fc.assert(
    fc.property(actions, (action) => {
      const token = signAction(key, action)
      expect(token).toMatch(/^[\w-]+\.[\w-]+$/)
      expect(readAction(key, token, action.expiresAt - 1)).toEqual({ ok: true, action })
      expect(readAction(key, token, action.expiresAt)).toEqual({ ok: false, problem: 'expired' })
    }),
  )
})

test('a token that was changed in any place, or signed with another key, is forged', () => {
  const forged = { ok: false, problem: 'forged' }
  const action = { action: 'release', id: 'a1', recipient: 'bob@x.test', expiresAt: 1000 } as const
  const token = signAction(key, action)
  expect(readAction(Buffer.alloc(32, 8), token, 0)).toEqual(forged)
  for (let at = 0; at < token.length - 1; at++) {
    const other = token[at] === 'A' ? 'B' : 'A'
    const changed = `${token.slice(0, at)}${other}${token.slice(at + 1)}`
    expect(readAction(key, changed, 0)).toEqual(forged)
  }
})

test('whatever is no token is forged', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readAction(key, text, 0)).toEqual({ ok: false, problem: 'forged' })
    }),
  )
  expect(readAction(key, 'x'.repeat(100_000), 0)).toEqual({ ok: false, problem: 'forged' })
})

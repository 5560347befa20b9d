import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scramKeys } from '../mail/login-secret.ts'
import { formatScramSecret, parseScramSecret } from './scram-secret.ts'

/** RFC 7677 §3: `pencil`. */
const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')

test('the keys of a password are written and read', async () => {
  const keys = await scramKeys('pencil', { salt, iterations: 4096 })
  const text = formatScramSecret(keys)
  expect(text).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
  expect(parseScramSecret(text)).toEqual(keys)
})

test('what is no secret is none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseScramSecret(text)).toBeUndefined()
    }),
  )
  const key = `${'A'.repeat(43)}=`
  expect(parseScramSecret(`SCRAM-SHA-256$4096:c2FsdA==$${key}:${key}`)).toBeDefined()
  expect(parseScramSecret(`SCRAM-SHA-256$4095:c2FsdA==$${key}:${key}`)).toBeUndefined()
  expect(parseScramSecret(`SCRAM-SHA-256$9999999:c2FsdA==$${key}:${key}`)).toBeUndefined()
  expect(parseScramSecret(`SCRAM-SHA-1$4096:c2FsdA==$${key}:${key}`)).toBeUndefined()
  expect(parseScramSecret(`SCRAM-SHA-256$4096:====$${key}:${key}`)).toBeUndefined()
})

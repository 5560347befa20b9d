import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase64 } from './base64.ts'
import { loginExchange } from './login.ts'
import { plainExchange } from './plain.ts'

describe('base64', () => {
  test('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        expect(decodeBase64(text)?.equals(Buffer.from(bytes))).toBe(true)
      }),
    )
  })

  test.each([
    'a',
    'ab',
    'abc',
    'ab=c',
    'YQ=',
    'YQ',
    'YR==',
    'Y Q=',
    'YQ==\n',
    'YQ==YQ==',
    '_-__',
    '====',
    'ü',
  ])('is not %j', (text) => {
    expect(decodeBase64(text)).toBeUndefined()
  })
})

describe('PLAIN', () => {
  const say = (text: string) => plainExchange().next(Buffer.from(text))

  test('asks with nothing and hears everything at once', () => {
    expect(plainExchange().next(undefined)).toEqual({ step: 'challenge', text: '' })
    const evidence = { mechanism: 'PLAIN', password: 'se cret' }
    const credentials = { step: 'login', user: 'bob', evidence }
    expect(say('\0bob\0se cret')).toEqual(credentials)
    expect(say('bob\0bob\0se cret')).toEqual(credentials)
  })

  test('lets nobody act for somebody else', () => {
    expect(say('alice\0bob\0secret')).toEqual({ step: 'not-oneself' })
  })

  test.each(['', 'bob', '\0bob', '\0bob\0', '\0\0secret', '\0bob\0se\0cret'])(
    'does not understand %j',
    (text) => {
      expect(say(text)).toEqual({ step: 'malformed' })
    },
  )

  test('takes any bytes without a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(plainExchange().next(Buffer.from(bytes)).step).not.toBe('challenge')
      }),
    )
  })
})

describe('LOGIN', () => {
  test('asks for the user, then for the password', () => {
    const exchange = loginExchange()
    expect(exchange.next(undefined)).toEqual({ step: 'challenge', text: 'Username:' })
    expect(exchange.next(Buffer.from('bob'))).toEqual({ step: 'challenge', text: 'Password:' })
    expect(exchange.next(Buffer.from('secret'))).toEqual({
      step: 'login',
      user: 'bob',
      evidence: { mechanism: 'LOGIN', password: 'secret' },
    })
  })

  test.each(['', 'b\0b', '\xff'])('does not understand %j', (text) => {
    expect(loginExchange().next(Buffer.from(text, 'latin1'))).toEqual({ step: 'malformed' })
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCramMd5Digest } from '../../mail/login-secret.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { cramMd5Exchange } from './cram-md5.ts'

const clock = fakeClock()
const begin = (seed = 1) =>
  cramMd5Exchange({ hostname: 'mx.test', clock, random: seededRandom(seed) })

describe('CRAM-MD5', () => {
  test('digests as RFC 2195 §2 shows', () => {
    const challenge = '<1896.697170952@postoffice.reston.mci.net>'
    const digest = 'b913a602c7eda7a495b4e6e7334d3890'
    expect(isCramMd5Digest('tanstaaftanstaaf', { challenge, digest })).toBe(true)
    expect(isCramMd5Digest('tanstaaftanstaag', { challenge, digest })).toBe(false)
    expect(isCramMd5Digest('tanstaaftanstaaf', { challenge: `${challenge} `, digest })).toBe(false)
    expect(isCramMd5Digest('tanstaaftanstaaf', { challenge, digest: '' })).toBe(false)
  })

  test('asks with a message-id of its own each time', () => {
    const challenges = [1, 2].map((seed) => begin(seed).next(undefined))
    for (const step of challenges) {
      expect(step).toEqual({
        step: 'challenge',
        text: expect.stringMatching(/^<[0-9a-f]{32}\.\d+@mx\.test>$/),
      })
    }
    expect(challenges[0]).not.toEqual(challenges[1])
  })

  test('hands on user and digest with the challenge; a user may have blanks', () => {
    const exchange = begin()
    const step = exchange.next(undefined)
    const challenge = step.step === 'challenge' ? step.text : ''
    const digest = '0123456789abcdef0123456789abcdef'
    expect(exchange.next(Buffer.from(`John Q. Public ${digest}`))).toEqual({
      step: 'login',
      user: 'John Q. Public',
      evidence: { mechanism: 'CRAM-MD5', challenge, digest },
    })
  })

  test('takes no response before it has asked', () => {
    expect(begin().next(Buffer.from('bob 0123456789abcdef0123456789abcdef'))).toEqual({
      step: 'malformed',
    })
  })

  test.each([
    '',
    'bob',
    ' 0123456789abcdef0123456789abcdef',
    'bob 0123456789ABCDEF0123456789ABCDEF',
    'bob 0123456789abcdef0123456789abcde',
    'bob 0123456789abcdef0123456789abcdef\n',
    'bob\0 0123456789abcdef0123456789abcdef',
  ])('does not understand %j', (text) => {
    const exchange = begin()
    exchange.next(undefined)
    expect(exchange.next(Buffer.from(text))).toEqual({ step: 'malformed' })
  })

  test('takes any bytes without a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const exchange = begin()
        exchange.next(undefined)
        expect(exchange.next(Buffer.from(bytes)).step).toBe('malformed')
      }),
    )
  })
})

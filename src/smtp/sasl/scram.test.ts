import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scramKeys, type ScramKeys } from '../../mail/login-secret.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import type { SaslExchange, SaslStep } from './exchange.ts'
import { scramConversation, scramExchange } from './scram.ts'

const clock = fakeClock()
const begin = (): SaslExchange =>
  scramExchange({ hostname: 'mx.test', clock, random: seededRandom(1) })
const say = (exchange: SaslExchange, text: string): SaslStep => exchange.next(Buffer.from(text))

function proceed(step: SaslStep, keys: ScramKeys): SaslStep {
  if (step.step !== 'secret') throw new Error(`the exchange wants ${step.step}`)
  return step.proceed(keys)
}

const textOf = (step: SaslStep): string => (step.step === 'challenge' ? step.text : step.step)

/** A client by the book, written from RFC 5802 §3 on its own. */
function clientFinal(
  { first, challenge }: { first: string; challenge: string },
  password: string,
  gs2Header = 'n,,',
) {
  const [, nonce = '', salt = '', count = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? []
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(count), 32, 'sha256')
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const clientKey = hmac(salted, 'Client Key')
  const bare = `c=${Buffer.from(gs2Header).toString('base64')},r=${nonce}`
  const message = `${first},${challenge},${bare}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), message)
  const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
  return {
    final: `${bare},p=${Buffer.from(proof).toString('base64')}`,
    answer: `v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`,
  }
}

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const keys = await scramKeys('pencil', { salt, iterations: 4096 })

describe('SCRAM-SHA-256', () => {
  test('goes as the example of RFC 7677 §3, word for word', () => {
    const exchange = scramConversation('%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0')
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
    const challenge = proceed(say(exchange, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'), keys)
    expect(textOf(challenge)).toBe(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`)
    const final = `c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`
    expect(textOf(say(exchange, final))).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
    expect(say(exchange, '')).toMatchObject({ user: 'user', evidence: { proven: true } })
  })

  test('lets in who knows the password, and proves that it knows what was stored', () => {
    const exchange = begin()
    const first = 'n=user,r=clientnonce'
    const challenge = textOf(proceed(say(exchange, `n,,${first}`), keys))
    expect(challenge).toMatch(/^r=clientnonce[A-Za-z0-9+/]{24},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096$/)
    const { final, answer } = clientFinal({ first, challenge }, 'pencil')
    expect(say(exchange, final)).toEqual({ step: 'challenge', text: answer })
    expect(exchange.next(Buffer.alloc(0))).toEqual({
      step: 'login',
      user: 'user',
      evidence: { mechanism: 'SCRAM-SHA-256', proven: true },
    })
  })

  test('begins with an empty challenge where AUTH came alone', () => {
    const exchange = begin()
    expect(exchange.next(undefined)).toEqual({ step: 'challenge', text: '' })
    expect(say(exchange, 'n,,n=user,r=abc').step).toBe('secret')
  })

  test.each([
    ['n,a=user,', 'n=user,r=abc', 'user'],
    ['y,,', 'n=user,r=abc', 'user'],
    ['n,,', 'n=a=2Cb=3Dc,r=abc', 'a,b=c'],
    ['n,,', 'n=\u2168,r=abc', 'IX'],
    ['n,,', 'n=user,r=abc,x=extension', 'user'],
  ])('understands %s%s as a login of %s', (header, first, user) => {
    const exchange = begin()
    const step = say(exchange, `${header}${first}`)
    expect(step).toMatchObject({ step: 'secret', user })
    const challenge = textOf(proceed(step, keys))
    const { final, answer } = clientFinal({ first, challenge }, 'pencil', header)
    expect(say(exchange, final)).toEqual({ step: 'challenge', text: answer })
  })

  test.each([
    '',
    'n,,n=user',
    'n,,n=,r=abc',
    'n,,r=abc,n=user',
    'n,,n=us=er,r=abc',
    'n,,n=us=2cer,r=abc',
    'n,,n=user,r=',
    'n,,n=user,r=a b',
    'n,,n=user,r=abc,',
    'n,,n=user,r=abc,xy=1',
    'n,,m=must,n=user,r=abc',
    'n,a=,n=user,r=abc',
    'n,a==,n=user,r=abc',
    'p=tls-exporter,,n=user,r=abc',
    'x,,n=user,r=abc',
    'n=user,r=abc',
    'n,,n=\u0007,r=abc',
    'n,,n=\u00ad,r=abc',
    `n,,n=user,r=${'a'.repeat(5_000)}`,
  ])('does not understand %j', (text) => {
    expect(say(begin(), text)).toEqual({ step: 'malformed' })
  })

  test('lets nobody act for somebody else', () => {
    expect(say(begin(), 'n,a=admin,n=user,r=abc')).toEqual({ step: 'not-oneself' })
  })

  const first = 'n=user,r=abc'
  const afterChallenge = () => {
    const exchange = begin()
    const challenge = textOf(proceed(say(exchange, `n,,${first}`), keys))
    return { exchange, ...clientFinal({ first, challenge }, 'pencil'), challenge }
  }

  test('does not let in who does not know the password', () => {
    const { exchange, challenge } = afterChallenge()
    const wrong = clientFinal({ first, challenge }, 'pencils')
    expect(say(exchange, wrong.final)).toEqual({
      step: 'login',
      user: 'user',
      evidence: { mechanism: 'SCRAM-SHA-256', proven: false },
    })
  })

  const spoilt: readonly (readonly [string, (final: string) => string])[] = [
    ['another nonce', (final) => final.replace('r=abc', 'r=abd')],
    ['another header', (final) => final.replace('c=biws', 'c=eSws')],
    ['a header that is no base64', (final) => final.replace('c=biws', 'c=biw')],
    ['no proof', (final) => final.replace(/,p=.*/, '')],
    ['an empty proof', (final) => final.replace(/,p=.*/, ',p=')],
    ['a proof that is no base64', (final) => final.replace(/,p=.*/, ',p=a')],
    ['something behind the proof', (final) => `${final},x=1`],
    ['nothing', () => ''],
  ]

  test.each(spoilt)('does not understand a last message with %s', (_, spoil) => {
    const { exchange, final } = afterChallenge()
    expect(say(exchange, spoil(final))).toEqual({ step: 'malformed' })
  })

  test('does not believe a proof that is too short', () => {
    const { exchange, final } = afterChallenge()
    const step = say(exchange, final.replace(/,p=.*/, ',p=AAAA'))
    expect(step).toMatchObject({ step: 'login', evidence: { proven: false } })
  })

  test('does not believe a proof of another conversation, nor one with a bit turned', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), (bit) => {
        const { exchange, final } = afterChallenge()
        const [bare = '', text = ''] = final.split(',p=')
        const proof = Buffer.from(text, 'base64')
        proof[bit >> 3] = (proof[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const step = say(exchange, `${bare},p=${proof.toString('base64')}`)
        expect(step).toMatchObject({ step: 'login', evidence: { proven: false } })
      }),
      { numRuns: 64 },
    )
  })

  test('wants an empty answer to its own proof', () => {
    const { exchange, final } = afterChallenge()
    expect(say(exchange, final).step).toBe('challenge')
    expect(say(exchange, 'no')).toEqual({ step: 'malformed' })
    expect(say(exchange, '')).toEqual({ step: 'malformed' })
  })

  test('takes any bytes at any moment without a crash', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc
        .string({ unit: fc.constantFrom(...Array.from('npyacrv=,;.0')) })
        .map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), (responses) => {
        const exchange = begin()
        for (const response of responses) {
          const step = exchange.next(Buffer.from(response))
          const after = step.step === 'secret' ? step.proceed(keys) : step
          expect(after).not.toMatchObject({ evidence: { proven: true } })
        }
      }),
    )
  })
})

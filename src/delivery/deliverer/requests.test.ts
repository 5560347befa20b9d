import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatAnswer,
  formatRequest,
  readAnswer,
  readRequest,
  toldVariables,
  type DelivererRequest,
} from './requests.ts'

const octets = fc
  .uint8Array({ maxLength: 100 })
  .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll('\0', '_'))
const words = fc.string({ maxLength: 100 }).filter((text) => !text.includes('\0'))
const values = fc.stringMatching(/^[0-9A-Za-z.:_%-]{0,40}$/)
const deliveries = fc.record({
  ask: fc.constant('deliver' as const),
  local: octets.filter((text) => text !== ''),
  host: octets,
  sender: octets,
})
const logins = fc.record({
  ask: fc.constant('checkpassword' as const),
  command: fc.tuple(words, words),
  environment: fc
    .array(fc.tuple(fc.constantFrom(...toldVariables), values))
    .map((pairs) => new Map(pairs)),
  input: fc.uint8Array({ maxLength: 512 }),
})

const maildrops = fc.record({
  ask: fc.constant('maildrop' as const),
  user: words.filter((text) => text !== ''),
})

const comparable = (request: DelivererRequest | undefined): unknown =>
  request?.ask === 'checkpassword'
    ? { ...request, input: [...request.input], environment: [...request.environment] }
    : request

describe('a request', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.oneof(deliveries, logins, maildrops), (request) => {
        expect(comparable(readRequest(formatRequest(request)))).toEqual(comparable(request))
      }),
    )
  })

  test('is one or is none, whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(['undefined', 'object']).toContain(typeof readRequest(bytes))
        },
      ),
    )
  })

  const good = { version: 1, ask: 'deliver', local: 'joe', host: 'h', sender: '' }
  const login = { version: 1, ask: 'checkpassword', command: ['/x'], environment: [], input: '' }
  test.each([
    ['a key more', { ...good, uid: 0 }],
    ['a key less', { ...good, sender: undefined }],
    ['nobody', { ...good, local: '' }],
    ['a NUL', { ...good, local: 'a\0' }],
    ['what is no byte', { ...good, local: '\u0100' }],
    ['an address that is too long', { ...good, local: 'x'.repeat(1025) }],
    ['another version', { ...good, version: 2 }],
    ['another wish', { ...good, ask: 'read' }],
    ['nobody’s mail to fetch', { version: 1, ask: 'maildrop', user: '' }],
    ['a home to fetch from', { version: 1, ask: 'maildrop', user: 'joe', home: '/etc' }],
    ['no program', { ...login, command: [] }],
    ['a word that is none', { ...login, command: ['/x', 7] }],
    ['a variable of the loader', { ...login, environment: [['LD_PRELOAD', '/x']] }],
    ['a variable that a shell would read', { ...login, environment: [['TCPREMOTEHOST', '$(id)']] }],
    ['a variable without value', { ...login, environment: [['PROTO']] }],
    ['more than checkpassword reads', { ...login, input: Buffer.alloc(513).toString('base64') }],
    ['what is no base64', { ...login, input: '%' }],
  ])('with %s is none', (_, value) => {
    expect(readRequest(Buffer.from(JSON.stringify(good)))).toBeDefined()
    expect(readRequest(Buffer.from(JSON.stringify(login)))).toBeDefined()
    expect(readRequest(Buffer.from(JSON.stringify(value)))).toBeUndefined()
  })
})

describe('an answer', () => {
  test.each([{ end: { exit: 100 } }, { end: { signal: 'SIGKILL' } }, { problem: 'no' }])(
    'is read as it was written: %j',
    (answer) => {
      expect(readAnswer(formatAnswer(answer))).toEqual(answer)
    },
  )

  test.each(['', '{}', '[]', '{"end":{}}', '{"end":7}'])('is not %s', (text) => {
    expect(readAnswer(Buffer.from(text))).toBeUndefined()
  })
})

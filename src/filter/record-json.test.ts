import fc from 'fast-check'
import { expect, test } from 'vitest'
import { detailJson, headJson, SessionJson } from './record-json.ts'
import type { TraceDetail, TraceHead } from './trace-record.ts'

const word = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('mx', '"', '\\', '\u2028'),
)
/** No key that needs an escape: JSON.parse of Node 26.10 may take `"` and `\` of one object for the same; the keys of ours are words. */
const key = fc.stringMatching(/^[a-z_-]{1,8}$/)
const count = fc.nat()
const reply = fc.tuple(count, word, word)
const requiredKeys = [
  'version',
  'id',
  'session',
  'chain',
  'listener',
  'remote',
  'hostname',
  'environment',
  'recipients',
  'stage',
  'end',
] as const satisfies readonly (keyof TraceHead)[]
// Whatever a head may have more is here, or this does not compile: it would be lost where nobody writes it.
const optional = {
  hello: word,
  user: word,
  failedLogin: word,
  tls: word,
  reversePath: word,
  forwarded: fc.dictionary(key, word),
  reply,
  each: fc.constant(true as const),
  replies: fc.array(reply),
  queueIds: fc.array(word),
  sizeBytes: count,
  placements: fc.array(fc.dictionary(key, word)),
  thresholds: fc.array(fc.dictionary(key, count)),
  reasons: fc.array(word),
  messageId: word,
  score: fc.double({ noNaN: true, noDefaultInfinity: true }).map((score) => score + 0),
  objection: fc.record({ stage: word, code: count, status: word, text: word }),
  shadows: fc.array(
    fc.tuple(word, fc.tuple(word, word, fc.constantFrom('accepted' as const, 'givenUp' as const))),
  ),
  ruled: word,
  receiver: word,
  lost: count,
} satisfies Record<Exclude<keyof TraceHead, (typeof requiredKeys)[number]>, unknown>
const recipient = fc.oneof(
  fc.tuple(word, fc.constantFrom(0 as const, 1 as const)),
  fc.tuple(word, fc.constant(0 as const), word),
)
const head: fc.Arbitrary<TraceHead> = fc.record(
  {
    version: fc.constantFrom(1 as const, 2 as const),
    id: word,
    session: word,
    chain: word,
    listener: word,
    remote: word,
    hostname: word,
    environment: word,
    recipients: fc.array(recipient),
    stage: fc.constantFrom('connect', 'message'),
    end: fc.constantFrom('committed', 'refused', 'reset', 'aborted'),
    ...optional,
  },
  { requiredKeys: [...requiredKeys] },
)
const detail: fc.Arbitrary<TraceDetail> = fc.record(
  {
    steps: fc.array(fc.tuple(count, count)).map((steps) => JSON.stringify(steps)),
    facts: fc.record({ local: fc.tuple(word, count), head: word }),
  },
  { requiredKeys: ['steps'] },
)

test('the JSON of a record is that of its object, whatever is in it, for each message of a session', () => {
  fc.assert(
    fc.property(fc.array(head), count, (heads, at) => {
      const session = new SessionJson()
      const written = heads.flatMap((each) => {
        const sameSession = { ...each, id: 'next', messageId: 'another' }
        return [each, sameSession].map((one) => {
          const json: unknown = JSON.parse(headJson(one, { at, endedAt: at + 1 }, session))
          expect(json).toEqual(JSON.parse(JSON.stringify({ ...one, at, endedAt: at + 1 })))
          return json
        })
      })
      expect(written).toHaveLength(2 * heads.length)
    }),
  )
  fc.assert(
    fc.property(detail, (each) => {
      const steps: unknown = JSON.parse(each.steps)
      const whole: unknown = JSON.parse(JSON.stringify({ ...each, steps }))
      expect(JSON.parse(detailJson(each))).toEqual(whole)
    }),
  )
})

test.each([
  'session',
  'chain',
  'listener',
  'remote',
  'hostname',
  'environment',
  'hello',
  'user',
  'tls',
] as const)('a change of %s alone stands in the next record of the session', (key) => {
  const first: TraceHead = {
    version: 1,
    id: 'id',
    session: 's',
    chain: 'c',
    listener: 'mx',
    remote: '192.0.2.1:4000',
    hostname: 'mx.test',
    environment: '',
    recipients: [],
    stage: 'mail',
    end: 'reset',
  }
  const session = new SessionJson()
  for (const one of [first, { ...first, [key]: 'another' }, first]) {
    const json: unknown = JSON.parse(headJson(one, { at: 1, endedAt: 2 }, session))
    expect(json).toEqual({ ...one, at: 1, endedAt: 2 })
  }
})

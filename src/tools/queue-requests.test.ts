import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAnswerOf, readRequestOf, writeRequest, type QueueRequest } from './queue-requests.ts'

const text = fc.string({ minLength: 1 })
const selection = fc.record(
  {
    ids: fc.array(text),
    held: fc.boolean(),
    receivedBefore: fc.nat(),
    receivedAfter: fc.nat(),
    reversePath: text,
    recipient: text,
    domain: text,
    reason: text,
    route: text,
  },
  { requiredKeys: [], noNullPrototype: true },
)
const request: fc.Arbitrary<QueueRequest> = fc.oneof(
  fc.record(
    {
      what: fc.constant('apply' as const),
      action: fc.constantFrom(...(['hold', 'release', 'retry', 'remove', 'bounce'] as const)),
      selection,
      dryRun: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      what: fc.constantFrom('pause' as const, 'resume' as const),
      scope: fc.record(
        { what: fc.constantFrom('domain' as const, 'route' as const), name: text },
        { noNullPrototype: true },
      ),
    },
    { noNullPrototype: true },
  ),
  fc.constant({ what: 'pauses' as const }),
)

describe('a request for the queue', () => {
  test('comes over as it was meant', () => {
    fc.assert(
      fc.property(request, (asked) => {
        expect(readRequestOf(writeRequest(asked))).toEqual(asked)
      }),
    )
  })

  test('that selects by what is not known is refused: it would mean more than it should', () => {
    const apply = { what: 'apply', action: 'remove', dryRun: false }
    for (const selected of [{ colour: 'red' }, { domain: 7 }, { held: 'yes' }, { ids: 'all' }]) {
      expect(() => readRequestOf({ ...apply, selection: selected })).toThrow('not a way to select')
    }
  })

  test('of any other shape is refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => readRequestOf(value as Parameters<typeof readRequestOf>[0])).toThrow(TypeError)
        expect(() => readAnswerOf(value as Parameters<typeof readRequestOf>[0])).toThrow(TypeError)
      }),
    )
  })
})

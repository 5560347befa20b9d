import {
  anything,
  array,
  assert,
  boolean,
  constantFrom,
  json,
  nat,
  oneof,
  property,
  record,
  string,
  stringify,
  subarray,
  type Arbitrary,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Envelope } from '../mail/envelope.ts'
import {
  decodeOutcome,
  decodeStateChange,
  encodeOutcome,
  encodeStateChange,
} from './change-meta.ts'
import {
  decodeMessageMeta,
  encodeMessageMeta,
  envelopeOf,
  placementMeta,
  type MessageMeta,
} from './message-meta.ts'
import type { RecipientState } from './queue.ts'

const word = string({ unit: 'binary', maxLength: 20 })
const mailbox = record({ localPart: word, domain: word }, { noNullPrototype: true })

const envelope: Arbitrary<Envelope> = record(
  {
    reversePath: oneof(mailbox, constantFrom(null)),
    recipients: array(
      record(
        {
          mailbox,
          notify: subarray(['never', 'success', 'failure', 'delay'] as const),
          originalRecipient: word,
        },
        { requiredKeys: ['mailbox'], noNullPrototype: true },
      ),
      { maxLength: 4 },
    ),
    bodyType: constantFrom('7bit', '8bitmime', 'binarymime'),
    smtputf8: boolean(),
    requireTls: boolean(),
    envelopeId: word,
    returnContent: constantFrom('full', 'headers'),
    user: word,
    origin: record(
      {
        address: word,
        port: nat(65_535),
        protocol: constantFrom('SMTP', 'ESMTP'),
        name: word,
        hello: word,
      },
      { requiredKeys: ['address', 'port', 'protocol'], noNullPrototype: true },
    ),
  },
  {
    requiredKeys: ['reversePath', 'recipients', 'bodyType', 'smtputf8', 'requireTls'],
    noNullPrototype: true,
  },
)

const state: Arbitrary<RecipientState> = oneof(
  record({ state: constantFrom('pending') }, { noNullPrototype: true }),
  record(
    {
      state: constantFrom('deferred'),
      text: word,
      tries: nat(),
      delayTold: constantFrom(true),
      dueAt: nat().map((at) => at + 1),
    },
    { requiredKeys: ['state', 'text', 'tries'], noNullPrototype: true },
  ),
  record({ state: constantFrom('delivered', 'failed'), text: word }, { noNullPrototype: true }),
)

describe('the meta of a message', () => {
  test('keeps every envelope as it is, in any script', () => {
    assert(
      property(envelope, (original) => {
        const placement = { envelope: original, disposition: 'hold', headerEdits: [] } as const
        const meta: MessageMeta = {
          receivedAt: 1_795_250_000_000,
          eightBit: true,
          blocks: [12],
          bodyBytes: 34,
          placements: [placementMeta(7, { ...placement, reason: 'ünwanted' }, 0)],
        }
        const read = decodeMessageMeta(encodeMessageMeta(meta))
        expect(read).toEqual(meta)
        expect(read?.placements.map(envelopeOf)).toEqual([original])
      }),
    )
  })

  test('keeps how far a copied message has come, and where its large body lies', () => {
    assert(
      property(array(state, { maxLength: 4 }), nat(), boolean(), (recipients, dueAt, held) => {
        const meta: MessageMeta = {
          receivedAt: 1,
          eightBit: false,
          blocks: [],
          bodyBytes: 5_000,
          large: { name: '1079rsrxwxt', bodyOffset: 10, sizeBytes: 5_010, crc: 4_000_000_000 },
          placements: [
            {
              number: 9,
              disposition: 'deliver',
              block: 0,
              envelope: 0,
              progress: { dueAt, held, tries: 3, recipients },
            },
          ],
        }
        expect(decodeMessageMeta(encodeMessageMeta(meta))).toEqual(meta)
      }),
    )
  })
})

describe('the meta of a change', () => {
  test('keeps outcomes', () => {
    assert(
      property(array(state, { maxLength: 4 }), nat(), (states, dueAt) => {
        const recipients = states.map((known, index) => [2 * index, known] as const)
        const outcome = { number: 5, tries: 2, dueAt, recipients }
        expect(decodeOutcome(encodeOutcome(outcome))).toEqual(outcome)
      }),
    )
  })

  test('keeps changes of state', () => {
    assert(
      property(constantFrom('hold', 'release', 'defer', 'done'), array(nat()), (verb, numbers) => {
        const change = { verb, at: 1_795_250_000_000, numbers }
        expect(decodeStateChange(encodeStateChange(change))).toEqual(change)
      }),
    )
  })
})

test('no text breaks the reader of a meta, JSON or not', () => {
  assert(
    property(oneof(json(), string(), anything().map(stringify)), (text) => {
      for (const read of [decodeMessageMeta, decodeOutcome, decodeStateChange]) {
        expect(read(text) === undefined || typeof read(text) === 'object').toBe(true)
      }
    }),
  )
})

test('a changed meta is read as another one, or as none', () => {
  const text = encodeMessageMeta({
    receivedAt: 1,
    eightBit: false,
    blocks: [1, 2],
    bodyBytes: 3,
    placements: [{ number: 9, disposition: 'deliver', block: 0, envelope: 0 }],
  })
  assert(
    property(nat(text.length), nat(text.length), string({ maxLength: 3 }), (from, to, noise) => {
      const meta = decodeMessageMeta(text.slice(0, from) + noise + text.slice(to))
      for (const placement of meta?.placements ?? []) envelopeOf(placement)
      expect(meta === undefined || Array.isArray(meta.placements)).toBe(true)
    }),
  )
})

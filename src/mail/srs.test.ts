import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatMailbox, parseMailbox, type Mailbox } from './address.ts'
import { Srs } from './srs.ts'

const day = 86_400_000
const now = Date.UTC(2026, 10, 21, 12)
const srs = new Srs({ domain: 'us.example', secrets: ['tops3cr3t'] })
const alice = { localPart: 'alice', domain: 'example.com' }

function mailbox(text: string): Mailbox {
  const parsed = parseMailbox(text)
  if (parsed === undefined) throw new Error(text)
  return parsed
}

function encoded(sender: Mailbox, at = now, by = srs): Mailbox {
  const made = by.encode(sender, at)
  if (made === undefined) throw new Error('cannot be rewritten')
  return made
}

function characterOf(text: string): fc.Arbitrary<string> {
  return fc.constantFrom(...text.split(''))
}

const atext = characterOf('abcXYZ019-_+=!#$%&*/?^`{|}~')
const atom = fc.string({ unit: atext, minLength: 1, maxLength: 20 })
const quotable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 30,
})
const label = fc.string({ unit: characterOf('abcXYZ019'), minLength: 1, maxLength: 12 })
const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
const plain = fc
  .record({ localPart: fc.oneof(atom, quotable), domain })
  .filter(({ localPart }) => !/^srs[01][-+=]/i.test(localPart))

describe('what others have written', () => {
  const example = new Srs({ domain: 'example.com', secrets: ['tops3cr3t'] })
  const at = Date.UTC(2020, 0, 1, 0, 1)

  test('PostSRSd writes the same address (its test_srs2.c)', () => {
    const sender = mailbox('test@otherdomain.com')
    const made = encoded(sender, at, example)
    expect(formatMailbox(made)).toBe('SRS0=vmyz=2W=otherdomain.com=test@example.com')
    expect(example.decode(made, at)).toEqual({ srs: 'sender', mailbox: sender })
    const own = mailbox('test@example.com')
    expect(example.encode(own, at)).toBe(own)
    expect(example.decode(own, at)).toEqual({ srs: 'none' })
  })

  test('a day is written as in mail that others have forwarded', () => {
    const days = [
      [Date.UTC(2022, 0, 11), 'R3'],
      [Date.UTC(2023, 7, 14), 'D7'],
      [Date.UTC(2019, 6, 31), 'V4'],
    ] as const
    for (const [sent, text] of days) {
      expect(encoded(alice, sent).localPart.split('=')[2]).toBe(text)
    }
  })
})

describe('a rewritten sender', () => {
  test('is found again, whoever it was', () => {
    fc.assert(
      fc.property(plain, (sender) => {
        expect(srs.decode(encoded(sender), now)).toEqual({ srs: 'sender', mailbox: sender })
      }),
    )
  })

  test('is an address that parses, never longer than a path may be', () => {
    const long = fc.record({
      localPart: fc.oneof(
        atom,
        quotable,
        fc.string({ unit: atext, minLength: 60, maxLength: 240 }),
      ),
      domain,
    })
    fc.assert(
      fc.property(long, (sender) => {
        const made = srs.encode(sender, now)
        if (made === undefined) return
        const text = formatMailbox(made)
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(254)
        expect(parseMailbox(text)).toEqual(made)
      }),
    )
    expect(srs.encode({ ...alice, localPart: 'x'.repeat(230) }, now)).toBeUndefined()
  })

  test('is found again where a relay has changed its case', () => {
    const { localPart } = encoded(alice)
    for (const changed of [localPart.toLowerCase(), localPart.toUpperCase()]) {
      const reading = srs.decode({ localPart: changed, domain: 'US.example' }, now)
      if (reading.srs !== 'sender') throw new Error(reading.srs)
      expect(formatMailbox(reading.mailbox).toLowerCase()).toBe('alice@example.com')
    }
  })

  test.each([
    'list-bounces+alice=example.com@lists.example',
    'own-joe-v=test.example.org@test.example.org',
    'prvs=0932af52eb=alice@example.com',
    'alice@[192.0.2.1]',
    '"two words"@example.com',
  ])('may be %s', (text) => {
    const sender = mailbox(text)
    expect(srs.decode(encoded(sender), now)).toEqual({ srs: 'sender', mailbox: sender })
  })

  test('is refused with any one character changed to another', () => {
    const longHash = new Srs({ domain: 'us.example', secrets: ['tops3cr3t'], hashLength: 12 })
    const made = encoded(alice, now, longHash).localPart
    fc.assert(
      fc.property(fc.nat({ max: made.length - 1 }), atext, (place, character) => {
        const before = made.charAt(place)
        fc.pre(character.toLowerCase() !== before.toLowerCase())
        // Which separator stands behind the tag says nothing.
        fc.pre(place !== 4)
        const localPart = made.slice(0, place) + character + made.slice(place + 1)
        expect(longHash.decode({ localPart, domain: 'us.example' }, now).srs).not.toBe('sender')
      }),
    )
  })

  test('is not one of ours under another domain or another key', () => {
    const made = encoded(alice)
    expect(srs.decode({ ...made, domain: 'elsewhere.example' }, now)).toEqual({ srs: 'none' })
    const others = new Srs({ domain: 'us.example', secrets: ['an0ther'] })
    expect(others.decode(made, now)).toEqual({ srs: 'forged' })
  })

  test('is understood after a new key was put in front', () => {
    const renewed = new Srs({ domain: 'us.example', secrets: ['an0ther', 'tops3cr3t'] })
    expect(renewed.decode(encoded(alice), now).srs).toBe('sender')
    expect(srs.decode(encoded(alice, now, renewed), now)).toEqual({ srs: 'forged' })
  })

  test('lives for three weeks, also over the day on which days begin anew', () => {
    const start = Math.ceil(now / (1024 * day)) * 1024 * day
    for (const sent of [now, start - day, start]) {
      const made = encoded(alice, sent)
      for (const [age, srsReading] of [
        [-1, 'sender'],
        [21, 'sender'],
        [22, 'expired'],
        [400, 'expired'],
      ] as const) {
        expect(srs.decode(made, sent + age * day).srs).toBe(srsReading)
      }
    }
  })
})

describe('a sender that others have rewritten', () => {
  const theirs = mailbox('SRS0=HHHH=TT=example.com=alice@first.example')

  test('is told through the first forwarder', () => {
    const made = encoded(theirs)
    expect(made.localPart).toMatch(/^SRS1=.{4}=first\.example==HHHH=TT=example\.com=alice$/)
    expect(srs.decode(made, now)).toEqual({ srs: 'sender', mailbox: theirs })
  })

  test('does not grow with each forwarder after the second', () => {
    const second = new Srs({ domain: 'second.example', secrets: ['two'] })
    const made = encoded(encoded(theirs, now, second))
    expect(made.localPart).toMatch(/^SRS1=.{4}=first\.example==HHHH=TT=example\.com=alice$/)
    expect(srs.decode(made, now)).toEqual({ srs: 'sender', mailbox: theirs })
  })

  test.each(['SRS0+HHHH=TT=example.com=alice', 'srs0-HHHH=TT=example.com=alice'])(
    'keeps the separator of %s',
    (localPart) => {
      const reading = srs.decode(encoded({ localPart, domain: 'first.example' }), now)
      const back = { localPart: `SRS0${localPart.slice(4)}`, domain: 'first.example' }
      expect(reading).toEqual({ srs: 'sender', mailbox: back })
    },
  )

  test.each(['SRS1=hash=no host=x', 'SRS1=x', 'SRS0=HHHH=TT=example.com', 'SRS0='])(
    'is a sender like any other where it only looks so: %s',
    (localPart) => {
      const sender = { localPart, domain: 'first.example' }
      expect(srs.decode(encoded(sender), now)).toEqual({ srs: 'sender', mailbox: sender })
    },
  )
})

test('whatever a recipient looks like, it is ours only with our hash', () => {
  const hostile = fc.tuple(
    fc.constantFrom('SRS0', 'SRS1', 'srs0', 'SRS2', ''),
    fc.string({ unit: characterOf('=+-.aB2R3@"\\ '), maxLength: 40 }),
  )
  fc.assert(
    fc.property(hostile, ([tag, rest]) => {
      const reading = srs.decode({ localPart: tag + rest, domain: 'us.example' }, now)
      expect(['none', 'forged']).toContain(reading.srs)
    }),
  )
})

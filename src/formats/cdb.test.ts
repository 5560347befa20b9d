import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CdbError, cdbHash, readAtBytes, type CdbEntry, type ReadAt } from './cdb.ts'
import { openCdb } from './cdb-reader.ts'
import { parseCdbmake } from './cdb-text.ts'
import { buildCdb } from './cdb-writer.ts'

interface Vector {
  readonly name: string
  readonly records: number
  readonly input_b64: string | null
  readonly cdb_sha256: string
  readonly lookups: readonly { key_b64: string; first_value_b64?: string; rc: number }[]
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../test/fixtures/formats/cdb-vectors.json', import.meta.url), 'utf8'),
)
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64')
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const hasKey = ({ key_b64: key }: { key_b64: string }): boolean => key !== ''
const open = (file: Uint8Array) => openCdb(readAtBytes(file))

/** The large one is described, not stored. */
function* squares(): Generator<CdbEntry> {
  for (let i = 0; i < 20_000; i++) yield [bytes(`key${i}`), bytes(`value${i * i}`)]
}

describe.each(vectors)('the file $name', (vector) => {
  const { input_b64: input } = vector
  const file = buildCdb(typeof input === 'string' ? parseCdbmake(fromBase64(input)) : squares())

  test('is what two other writers write, byte for byte', () => {
    expect(createHash('sha256').update(file).digest('hex')).toBe(vector.cdb_sha256)
  })

  test('is read as another reader reads it', () => {
    const cdb = open(file)
    expect([...cdb.entries()]).toHaveLength(vector.records)
    // The program that was asked takes no empty key; tcprules files, which have one, show that readers find it.
    for (const { key_b64: key, first_value_b64: value, rc } of vector.lookups.filter(hasKey)) {
      const found = cdb.get(fromBase64(key))
      expect(found === undefined ? 100 : 0).toBe(rc)
      expect(found && Buffer.from(found).toString('base64')).toBe(value)
    }
  })
})

describe('the worked file', () => {
  const file = buildCdb([
    [bytes('127.'), bytes('+RELAYCLIENT=\0')],
    [bytes('1.2.3.4'), bytes('D\0')],
    [bytes(''), bytes('')],
  ])
  const view = new DataView(file.buffer)
  const words = (offset: number): number[] => [
    view.getUint32(offset, true),
    view.getUint32(offset + 4, true),
  ]

  test('has the sizes, positions and hashes that cdbmake gives it', () => {
    expect(file).toHaveLength(2147)
    expect(words(0)).toEqual([2099, 0])
    expect(words(5 * 8)).toEqual([2099, 2])
    expect(words(2099 + 8)).toEqual([0x1505, 2091])
    expect(words(2115)).toEqual([0x3c4cfacf, 2074])
    expect(words(2131)).toEqual([0x7c5406df, 2048])
  })

  test('answers for each of its keys, the empty one included', () => {
    const cdb = open(file)
    expect(hex(cdb.get('127.') ?? bytes('none'))).toBe(hex(bytes('+RELAYCLIENT=\0')))
    expect(hex(cdb.get('1.2.3.4') ?? bytes('none'))).toBe(hex(bytes('D\0')))
    expect(cdb.get('')).toHaveLength(0)
    expect(cdb.get('127')).toBeUndefined()
  })
})

test('the hash is 5381 for the empty key and has no sign', () => {
  expect(cdbHash(bytes(''))).toBe(5381)
  expect(cdbHash(bytes('\xff'.repeat(40)))).toBeGreaterThanOrEqual(0)
})

test('a key that repeats yields its values in the order of insertion', () => {
  const cdb = open(
    buildCdb([
      [bytes('k'), bytes('1')],
      [bytes('j'), bytes('9')],
      [bytes('k'), bytes('2')],
    ]),
  )
  expect(cdb.getAll('k').map(hex)).toEqual(['1', '2'].map((text) => hex(bytes(text))))
  expect(cdb.getAll('l')).toEqual([])
})

test('a string key stands for its UTF-8 bytes', () => {
  const cdb = open(buildCdb([[Buffer.from('bücher.example'), bytes('x')]]))
  expect(cdb.get('bücher.example')).toHaveLength(1)
})

const smallBytes = fc.uint8Array({ maxLength: 12 })
const fewKeys = fc.oneof(smallBytes, fc.constantFrom('a', 'b', '', '@example.com').map(bytes))
const someEntries = fc.array(fc.tuple(fewKeys, smallBytes), { maxLength: 60 })

test('what was written is found, all of it, in order, and nothing else', () => {
  fc.assert(
    fc.property(someEntries, fewKeys, (entries: CdbEntry[], stranger) => {
      const cdb = open(buildCdb(entries))
      expect([...cdb.entries()].map(plain)).toEqual(entries.map(plain))
      for (const key of [...entries.map(([key]) => key), stranger]) {
        const expected = entries
          .filter(([other]) => same(other, key))
          .map(([, value]) => hex(value))
        expect(cdb.getAll(key).map(hex)).toEqual(expected)
        const first = cdb.get(key)
        expect(first === undefined ? undefined : hex(first)).toBe(expected[0])
      }
    }),
  )
})

describe('a damaged file', () => {
  test('that is shorter than its head is refused when it is opened', () => {
    expect(() => open(new Uint8Array(0))).toThrow(CdbError)
    expect(() => open(new Uint8Array(2047))).toThrow('shorter than the head')
  })

  test('tells where it is damaged', () => {
    const file = buildCdb([[bytes('key'), bytes('value')]])
    new DataView(file.buffer).setUint32(2048 + 4, 0x7fff_ffff, true)
    expect(caught(() => open(file).get('key'))).toMatchObject({ name: 'CdbError', offset: 2059 })
    expect(caught(() => [...open(file).entries()])).toMatchObject({ offset: 2056 })
  })

  test('that repeats one record in every slot cannot make us hold it many times', () => {
    const file = new Uint8Array(
      buildCdb(Array.from({ length: 200 }, () => [bytes('k'), bytes('v'.repeat(99))])),
    )
    const view = new DataView(file.buffer)
    const table = view.getUint32((cdbHash(bytes('k')) & 255) * 8, true)
    for (let slot = 0; slot < 400; slot++) {
      view.setUint32(table + slot * 8, cdbHash(bytes('k')), true)
      view.setUint32(table + slot * 8 + 4, 2048, true)
    }
    expect(() => open(file).getAll('k')).toThrow('records overlap')
    expect(open(file).get('k')).toHaveLength(99)
  })

  test('that becomes shorter while it is read is an error, not a wrong answer', () => {
    const file = buildCdb([[bytes('key'), bytes('value')]])
    const shrinking: ReadAt = {
      sizeBytes: file.length,
      readAt: (offset, length) => file.subarray(offset, Math.min(offset + length, 2060)),
    }
    expect(() => openCdb(shrinking).get('key')).toThrow(CdbError)
  })

  test('ends in a CdbError or an answer, with reads that stay inside of the file', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(someEntries, damage, fc.nat(100), (entries, changes, cut) => {
        const whole = buildCdb(entries)
        for (const [at, byte] of changes) whole[at % whole.length] = byte
        const file = whole.subarray(0, Math.max(2048, whole.length - cut))
        const cdb = openCdb(watched(file))
        for (const key of [...entries.map(([key]) => key), bytes('a')]) {
          attempt(() => cdb.get(key))
          attempt(() => cdb.getAll(key))
        }
        attempt(() => [...cdb.entries()])
      }),
    )
  })

  test('of any bytes at all ends in a CdbError or an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2048, maxLength: 4096, size: 'max' }), (file) => {
        const cdb = openCdb(watched(file))
        attempt(() => cdb.get('a'))
        attempt(() => cdb.getAll(''))
        attempt(() => [...cdb.entries()])
      }),
      { numRuns: 30 },
    )
  })
})

test('a cdb larger than 4 GiB is refused before memory for it is taken', () => {
  const large = new Uint8Array(1 << 28)
  const entries = Array.from({ length: 16 }, (): CdbEntry => [bytes('k'), large])
  expect(() => buildCdb(entries)).toThrow('larger than 4 GiB')
})

/** A file that fails the test when it is asked for bytes that it does not have. */
function watched(file: Uint8Array): ReadAt {
  return {
    sizeBytes: file.length,
    readAt(offset, length) {
      expect(offset >= 0 && length >= 0 && offset + length <= file.length).toBe(true)
      return file.subarray(offset, offset + length)
    },
  }
}

function attempt(read: () => unknown): void {
  expect(caught(read)).toSatisfy((error) => error === undefined || error instanceof CdbError)
}

function caught(read: () => unknown): unknown {
  try {
    read()
    return undefined
  } catch (error) {
    return error
  }
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex')
}

function plain([key, value]: CdbEntry): string {
  return `${hex(key)} ${hex(value)}`
}

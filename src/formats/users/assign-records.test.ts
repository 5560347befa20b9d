import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assignCdb, parseAssign } from '../assign.ts'
import { openCdb } from '../cdb-reader.ts'
import { readAtBytes } from '../cdb.ts'
import { buildCdb } from '../cdb-writer.ts'
import { assignRecords } from './assign-records.ts'

const name = fc.string({ minLength: 0, maxLength: 4, unit: fc.constantFrom('a', 'b', '-', 'é') })
const line = fc
  .record({ kind: fc.constantFrom('=', '+'), local: name, uid: fc.nat(70_000), extension: name })
  .map(({ kind, local, uid, extension }) => `${kind}${local}:u:${uid}:7:/home/u:-:${extension}:\n`)

describe('users/cdb', () => {
  test('answers as the text that it was made of', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), name, (lines, local) => {
        const text = Buffer.from(`${lines.join('')}.\n`, 'latin1')
        const records = assignRecords(text)
        expect(records).toBeDefined()
        const cdb = assignCdb(openCdb(readAtBytes(buildCdb(records ?? []))))
        expect(cdb.find(local)).toEqual(parseAssign(text).value.find(local))
      }),
    )
  })

  test('is made of whole files only, and any bytes are read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const records = assignRecords(bytes)
        expect(records === undefined || records.at(-1)?.[0].length === 0).toBe(true)
      }),
    )
    expect(assignRecords(Buffer.from('=a:b:1:2:/h:-:x:\n'))).toBeUndefined()
    expect(assignRecords(Buffer.from('=a\0:b:1:2:/h:-:x:\n.\n'))).toBeUndefined()
    expect(assignRecords(Buffer.from('=a:b:1:2:/h:-:x:\n.'))).toHaveLength(2)
  })
})

import { describe, expect, test } from 'vitest'
import { archiveLimits } from './archive.ts'
import { openArchive } from './open-archive.ts'

const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(100)])

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4)
  return bytes
}

const padded = (value: Buffer): Buffer =>
  Buffer.concat([u32(1, value.length), value, Buffer.alloc((4 - (value.length % 4)) % 4)])

function attribute(level: number, id: number, value: Buffer): Buffer {
  const head = Buffer.from([level, id & 0xff, id >> 8, 0, 0])
  return Buffer.concat([head, u32(value.length), value, Buffer.alloc(2)])
}

const tnef = (...attributes: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([0x78, 0x9f, 0x3e, 0x22, 1, 0]), ...attributes])

const begin = attribute(2, 0x9002, Buffer.alloc(14))
const title = (name: string) => attribute(2, 0x8010, Buffer.from(`${name}\0`, 'latin1'))
const data = (content: Buffer) => attribute(2, 0x800f, content)
const subject = attribute(1, 0x8004, Buffer.from('x\0'))

/** A number, a named property, then a long name in Unicode. */
const properties = (longName: string) =>
  attribute(
    2,
    0x9005,
    Buffer.concat([
      u32(4, 0x37050003, 1, 0x800b000b),
      Buffer.alloc(16),
      u32(0, 0x8503, 1, 0x3707001f),
      padded(Buffer.from(`${longName}\0`, 'utf16le')),
      u32(0x3701000d),
      padded(Buffer.concat([Buffer.alloc(16), tnef(begin, title('inner.vbs'), data(program))])),
    ]),
  )

async function open(bytes: Buffer) {
  const { signal } = new AbortController()
  const task = { bytes, name: 'winmail.dat', digests: false, limits: archiveLimits }
  const { entries, problems } = await openArchive(task, signal)
  return { entries, problems: problems.map(({ problem }) => problem) }
}

describe('winmail.dat', () => {
  test('shows its attachments by all their names, and what they are', async () => {
    const bytes = tnef(
      subject,
      begin,
      title('A.TXT'),
      data(Buffer.from('text')),
      begin,
      title('B.EXE'),
      data(program),
    )
    expect(await open(bytes)).toMatchObject({
      entries: [
        { names: ['A.TXT'], sizeBytes: 4 },
        { names: ['B.EXE'], content: { extension: 'exe' }, within: ['winmail.dat'] },
      ],
      problems: [],
    })
  })

  test('shows the long name of an attachment, and a message in it with its own', async () => {
    const { entries, problems } = await open(
      tnef(begin, title('LONG~1.VBS'), properties('l\u00f6ng.vbs')),
    )
    expect(entries).toMatchObject([
      { names: ['LONG~1.VBS', 'l\u00f6ng.vbs'], content: { extension: 'tnef' } },
      { names: ['inner.vbs'], within: ['winmail.dat', 'LONG~1.VBS'] },
    ])
    expect(problems).toEqual([])
  })

  test('is damaged where its properties are not read to their end: a name may be among the rest', async () => {
    const many = Buffer.concat([
      u32(2001),
      ...Array.from({ length: 2001 }, () => u32(0x37050003, 1)),
    ])
    const values = u32(1, 0x3707001e, 2001)
    for (const list of [many, values, u32(2, 0x37050003, 1)]) {
      const bytes = tnef(
        begin,
        title('a.txt'),
        attribute(2, 0x9005, list),
        data(Buffer.from('text')),
      )
      expect(await open(bytes)).toMatchObject({
        entries: [{ names: ['a.txt'], sizeBytes: 4 }],
        problems: ['broken'],
      })
    }
  })

  test('shows an attachment whose attributes are said to be of the message', async () => {
    const bytes = tnef(attribute(1, 0x8010, Buffer.from('b.exe\0')), attribute(1, 0x800f, program))
    expect(await open(bytes)).toMatchObject({
      entries: [{ names: ['b.exe'], content: { extension: 'exe' } }],
    })
  })

  test('that is cut off or damaged anywhere gives an answer, with the names before', async () => {
    const bytes = tnef(begin, title('a.vbs'), properties('b.vbs'), data(program))
    for (let length = 48; length < bytes.length; length++) {
      expect((await open(bytes.subarray(0, length))).entries[0]?.names).toContain('a.vbs')
      const other = Buffer.from(bytes)
      other[length] = 0xff
      await open(other)
    }
    expect((await open(bytes.subarray(0, -3))).problems).toEqual(['broken'])
  })
})

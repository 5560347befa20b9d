import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { archiveLimits } from './archive.ts'
import { openArchive } from './open-archive.ts'

interface File {
  readonly name: string
  readonly encrypted?: true
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8])

/** RAR 4: a mark, the archive's header, a header for each file with a byte of content behind it, the end. */
function rar4(files: readonly File[], { hidden = false } = {}): Buffer {
  const block = (type: number, flags: number, body: Buffer, content = ''): Buffer =>
    Buffer.concat([
      u16(0),
      Buffer.from([type]),
      u16(flags),
      u16(7 + body.length),
      body,
      latin1(content),
    ])
  const file = ({ name, encrypted }: File): Buffer => {
    const raw = latin1(name)
    const body = Buffer.alloc(25)
    body.writeUInt32LE(1, 0)
    body.writeUInt32LE(70_000, 4)
    body.writeUInt16LE(raw.length, 19)
    const flags = 0x8000 | (encrypted === true ? 0x04 : 0) | (name.includes('\0') ? 0x200 : 0)
    return block(0x74, flags, Buffer.concat([body, raw]), 'x')
  }
  return Buffer.concat([
    latin1('Rar!\x1a\x07\0'),
    block(0x73, hidden ? 0x80 : 0, Buffer.alloc(6)),
    ...files.map(file),
    block(0x7b, 0, Buffer.alloc(0)),
  ])
}

/** RAR 5, of which all numbers here are below 128. */
function rar5(files: readonly File[], { hidden = false } = {}): Buffer {
  const block = (fields: readonly number[], rest = latin1(''), content = ''): Buffer =>
    Buffer.concat([
      Buffer.alloc(4),
      Buffer.from([fields.length + rest.length, ...fields]),
      rest,
      latin1(content),
    ])
  const file = ({ name, encrypted }: File): Buffer => {
    const raw = Buffer.from(name)
    const extra = encrypted === true ? [2, 1, 0] : []
    const head = [2, 3, extra.length, 1, 0, 100, 0, 0, 0, raw.length]
    return block(head, Buffer.concat([raw, Buffer.from(extra)]), 'x')
  }
  return Buffer.concat([
    latin1('Rar!\x1a\x07\x01\0'),
    hidden ? block([4, 0]) : block([1, 0, 0]),
    ...files.map(file),
    block([5, 0, 0]),
  ])
}

function sevenZip(header: string): Buffer {
  const start = Buffer.alloc(32)
  start.write('7z\xbc\xaf\x27\x1c', 'latin1')
  start.writeBigUInt64LE(BigInt(header.length), 20)
  return Buffer.concat([start, latin1(header)])
}

async function open(bytes: Buffer, name = 'a') {
  const { signal } = new AbortController()
  const task = { bytes, name, digests: false, limits: archiveLimits }
  const { entries, problems } = await openArchive(task, signal)
  return { entries, problems: problems.map(({ problem }) => problem) }
}

describe.each([
  ['RAR 4', rar4, 70_000],
  ['RAR 5', rar5, 100],
])('%s', (_, archive, sizeBytes) => {
  test('shows the names of its files, their sizes, and which of them need a password', async () => {
    const bytes = archive([{ name: 'dir\\a.txt' }, { name: 'evil.exe', encrypted: true }])
    expect(await open(bytes)).toEqual({
      entries: [
        { within: ['a'], names: ['dir\\a.txt'], sizeBytes, encrypted: false },
        { within: ['a'], names: ['evil.exe'], sizeBytes, encrypted: true },
      ],
      problems: [],
    })
  })

  test('whose names need a password is encrypted', async () => {
    expect(await open(archive([{ name: 'a' }], { hidden: true }))).toMatchObject({
      entries: [{ names: [], encrypted: true }],
      problems: [],
    })
  })

  test('behind a program that unpacks it, or in a zip archive, is found too', async () => {
    const bytes = archive([{ name: 'evil.exe' }])
    const behind = await open(Buffer.concat([latin1('MZ'), Buffer.alloc(5000), bytes]), 'a.rar')
    expect(behind).toMatchObject({ entries: [{ names: ['evil.exe'] }], problems: [] })
    const { entries } = await open(Buffer.from(zipSync({ 'in.rar': bytes })))
    expect(entries).toMatchObject([
      { names: ['in.rar'] },
      { names: ['evil.exe'], within: ['a', 'in.rar'] },
    ])
  })

  test('behind bytes that are nothing, or a mark of no format, is found, and broken', async () => {
    const bytes = archive([{ name: 'evil.exe' }])
    const found = { entries: [{ names: ['evil.exe'] }], problems: ['broken'] }
    expect(await open(Buffer.concat([latin1('x'), bytes]), 'a.rar')).toMatchObject(found)
    const decoy = latin1('Rar!\x1a\x07A')
    expect(await open(Buffer.concat([decoy, bytes]), 'a.rar')).toMatchObject(found)
  })

  test('that is cut off anywhere, or damaged, gives an answer', async () => {
    const bytes = archive([{ name: 'a.txt' }, { name: 'evil.exe' }])
    for (let length = 8; length < bytes.length; length++) {
      expect((await open(bytes.subarray(0, length))).entries.length).toBeLessThanOrEqual(2)
      const other = Buffer.from(bytes)
      other[length] = 0xff
      await open(other)
    }
    expect((await open(bytes.subarray(0, 30))).problems).toEqual(['broken'])
  })
})

test('A name of RAR 4 is shown in Unicode too', async () => {
  // The plain name, and each of its characters as two bytes, but for the last: a run of the plain ones.
  const packed = '\0\x04\xaa\x35\x04\x34\x04\x30\x04\x35\x04\xc0\x02'
  const { entries } = await open(rar4([{ name: `????.exe${packed}` }]))
  expect(entries[0]?.names).toEqual(['????.exe', '\u0435\u0434\u0430\u0435.exe'])
})

describe('A 7z archive', () => {
  const aes = '\x24\x06\xf1\x07\x01'

  test.each([
    ['whose header says so is encrypted', `\x01\x04${aes}`, [{ names: [], encrypted: true }]],
    ['whose list of files is encrypted is encrypted', `\x17\x06${aes}`, [{ encrypted: true }]],
    ['without a password shows nothing', '\x01\x04\x03\x01\x01', []],
  ])('%s', async (_, header, entries) => {
    expect(await open(sevenZip(header))).toMatchObject({ entries, problems: [] })
  })

  test('that has lost its header, or stands behind something else, is broken', async () => {
    expect(await open(sevenZip('\x01\x00').subarray(0, 33))).toEqual({
      entries: [],
      problems: ['broken'],
    })
    expect((await open(Buffer.concat([latin1('x'), sevenZip('')]), 'a.7z')).problems).toEqual([
      'broken',
    ])
    expect(await open(sevenZip('').subarray(0, 20))).toEqual({ entries: [], problems: ['broken'] })
  })
})

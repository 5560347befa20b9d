import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { archiveLimits, type ArchiveLimits } from './archive.ts'
import { openArchive } from './open-archive.ts'
import { tarEntries } from './tar.ts'

const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(100)])

/** A tar archive; `kind` as in its header: `0` for a file. */
export function tarOf(
  files: readonly (readonly [name: string, content: Buffer | string, kind?: string])[],
): Buffer {
  const blocks = files.flatMap(([name, content, kind = '0']) => {
    const bytes = Buffer.from(content)
    const header = Buffer.alloc(512)
    header.write(name, 0, 100)
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('        ', 148)
    header.write(kind, 156)
    header.write('ustar\x0000', 257)
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

const zipOf = (files: Readonly<Record<string, Uint8Array>>): Buffer => Buffer.from(zipSync(files))

function open(
  bytes: Buffer,
  {
    name = 'a',
    digests = false,
    limits = {},
  }: { name?: string; digests?: boolean; limits?: Partial<ArchiveLimits> } = {},
) {
  const { signal } = new AbortController()
  return openArchive({ bytes, name, digests, limits: { ...archiveLimits, ...limits } }, signal)
}

const problemsOf = async (...args: Parameters<typeof open>) =>
  (await open(...args)).problems.map(({ problem }) => problem)

describe('an archive', () => {
  test('of any kind shows what is in it, and what that is', async () => {
    const files = { 'dir/a.exe': program, 'b.txt': Buffer.from('text') }
    const entries = [
      { names: ['dir/a.exe'], sizeBytes: 102, encrypted: false, content: { extension: 'exe' } },
      { names: ['b.txt'], sizeBytes: 4, encrypted: false },
    ]
    const tar = tarOf([
      ['dir/', '', '5'],
      ['dir/a.exe', program],
      ['b.txt', 'text'],
    ])
    expect(await open(zipOf(files))).toMatchObject({ entries, problems: [] })
    expect(await open(tar)).toMatchObject({ entries, problems: [] })
    expect(await open(gzipSync(tar), { name: 'x.tgz' })).toMatchObject({
      entries: [
        { names: ['x.tar'] },
        ...entries.map((entry) => ({ ...entry, within: ['x.tgz', 'x.tar'] })),
      ],
      problems: [],
    })
  })

  test('is opened within another, and says where', async () => {
    const inner = zipOf({ 'a.exe': program })
    const { entries } = await open(zipOf({ 'inner.zip': inner, 'x.gz': gzipSync(program) }), {
      name: 'outer.zip',
    })
    expect(entries.map(({ within, names }) => [...within, names[0]].join(' > '))).toEqual([
      'outer.zip > inner.zip',
      'outer.zip > inner.zip > a.exe',
      'outer.zip > x.gz',
      'outer.zip > x.gz > x',
    ])
  })

  test('gives digests where they are wanted', async () => {
    const sha256 = createHash('sha256').update(program).digest('hex')
    expect((await open(zipOf({ 'a.exe': program }), { digests: true })).entries).toMatchObject([
      { sha256 },
    ])
    expect((await open(zipOf({ 'a.exe': program }))).entries[0]).not.toHaveProperty('sha256')
  })

  test('that is encrypted shows the names alone', async () => {
    const zip = zipOf({ 'a.exe': program })
    for (const [signature, flags] of [
      ['PK\x03\x04', 6],
      ['PK\x01\x02', 8],
    ] as const) {
      const at = zip.indexOf(signature, 0, 'latin1') + flags
      zip.writeUInt16LE(zip.readUInt16LE(at) | 1, at)
    }
    expect(await open(zip)).toMatchObject({
      entries: [{ names: ['a.exe'], encrypted: true }],
      problems: [],
    })
  })

  test('that gives an entry two names shows both', async () => {
    const zip = zipOf({ 'a.txt': program })
    zip.write('b.exe', zip.indexOf('a.txt'))
    expect((await open(zip)).entries).toMatchObject([{ names: ['a.txt', 'b.exe'] }])
    expect(
      (
        await open(
          Buffer.concat([
            Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0]),
            Buffer.from('b.exe\0'),
            gzipSync('x').subarray(10),
          ]),
          { name: 'a.txt.gz' },
        )
      ).entries,
    ).toMatchObject([{ names: ['a.txt', 'b.exe'] }])
  })

  test.each([
    ['cut short', zipOf({ 'a.exe': program }).subarray(0, 60)],
    [
      'with a damaged entry',
      Buffer.from(
        zipOf({ 'a.txt': Buffer.from('some text '.repeat(99)) }).map((byte, at) =>
          at > 36 && at < 45 ? 0xff : byte,
        ),
      ),
    ],
    ['of nothing but a beginning', Buffer.from('PK\x03\x04')],
    ['gzip of nothing', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3])],
  ])('%s is broken', async (_, bytes) => {
    expect(await problemsOf(Buffer.from(bytes))).toEqual(['broken'])
  })
})

describe('a bomb is given up', () => {
  const zeros = Buffer.alloc(20_000_000)

  test.each([
    ['one file that grows', zipOf({ zeros })],
    ['one stream that grows', gzipSync(zeros)],
  ])('of %s, by what it says', async (_, bytes) => {
    const { entries, problems } = await open(bytes)
    expect(problems).toMatchObject([
      { problem: 'limit', detail: expect.stringContaining('out of') },
    ])
    expect(entries.length).toBeLessThanOrEqual(1)
  })

  test('of one stream that lies about its size, by what comes out', async () => {
    const bytes = gzipSync(tarOf([['a', zeros]]))
    bytes.writeUInt32LE(5, bytes.length - 4)
    expect(await problemsOf(bytes, { limits: { bytes: 1_000_000 } })).toContain('limit')
  })

  test('of archives within each other, by their depth', async () => {
    let zip = zipOf({ 'a.txt': Buffer.from('x') })
    for (let level = 0; level < 10; level++) zip = zipOf({ 'a.zip': zip })
    const { entries, problems } = await open(zip)
    expect(problems).toMatchObject([{ problem: 'limit' }])
    expect(entries.length).toBeLessThanOrEqual(archiveLimits.depth)
  })

  test('of many entries, by their number', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 3000 }, (_, number) => [`${number}`, new Uint8Array(0)]),
    )
    const { entries, problems } = await open(zipOf(files))
    expect(problems).toMatchObject([{ problem: 'limit' }])
    expect(entries).toHaveLength(archiveLimits.entries)
  })

  test('of many archives that share a budget', async () => {
    const inner = zipOf({ a: Buffer.alloc(150_000, 'ab') })
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, number) => [`${number}.zip`, inner]),
    )
    expect(
      await problemsOf(zipOf(files), { digests: true, limits: { bytes: 1_000_000 } }),
    ).toContain('limit')
  })

  test('when nobody waits any more', async () => {
    const signal = AbortSignal.abort()
    const task = {
      bytes: zipOf({ 'a.txt': program }),
      name: 'a',
      digests: false,
      limits: archiveLimits,
    }
    expect(await openArchive(task, signal)).toMatchObject({
      entries: [],
      problems: [{ problem: 'limit' }],
    })
  })
})

describe('a tar archive', () => {
  test('may have long names, by GNU and by POSIX', () => {
    const long = `${'long/'.repeat(40)}a.exe`
    const pax = `${long.length + 10} path=${long}\n`
    for (const [kind, content] of [
      ['L', `${long}\0`],
      ['x', pax],
    ] as const) {
      expect([
        ...tarEntries(
          tarOf([
            ['x', content, kind],
            ['short', program],
          ]),
        ),
      ]).toMatchObject([{ names: [long, 'short'], sizeBytes: 102 }])
    }
  })

  test('is not called by what stands in the comment of a POSIX header', () => {
    const record = (text: string): string => `${text.length + 4} ${text}\n`
    const pax = record('comment=x path=good.txt') + record('path=evil.exe')
    const [entry] = tarEntries(
      tarOf([
        ['x', pax, 'x'],
        ['short.js', program],
      ]),
    )
    expect(entry?.names).toEqual(['evil.exe', 'short.js'])
  })

  test('of any bytes is read to its end', () => {
    const sound = tarOf([
      ['a', 'x'],
      ['b', 'y'],
    ])
    const flips = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 5 })
    fc.assert(
      fc.property(flips, (all) => {
        const bytes = Buffer.from(sound)
        for (const [at, value] of all) bytes[at] = value
        expect([...tarEntries(bytes)].length).toBeLessThanOrEqual(bytes.length / 512)
      }),
    )
  })
})

/** The first header of this kind gets one field more. */
function withExtra(zip: Buffer, signature: string, field: Buffer): Buffer {
  const at = zip.indexOf(signature, 0, 'latin1')
  const isLocal = signature === 'PK\x03\x04'
  const bytes = Buffer.from(zip)
  const nameEnd = at + (isLocal ? 30 : 46) + bytes.readUInt16LE(at + (isLocal ? 26 : 28))
  bytes.writeUInt16LE(field.length, at + (isLocal ? 28 : 30))
  const end = bytes.indexOf('PK\x05\x06', 0, 'latin1')
  const place = isLocal ? 16 : 12
  bytes.writeUInt32LE(bytes.readUInt32LE(end + place) + field.length, end + place)
  return Buffer.concat([bytes.subarray(0, nameEnd), field, bytes.subarray(nameEnd)])
}

describe('a zip archive', () => {
  const sound = zipOf({ 'a.exe': program, 'b.txt': Buffer.from('text') })

  test('behind other bytes is found from its end, as unpackers do', async () => {
    for (const front of ['MZ and more of a program', 'anything', '\0'.repeat(5000)]) {
      const { entries, problems } = await open(Buffer.concat([Buffer.from(front), sound]))
      expect(entries.map(({ names }) => names)).toEqual([['a.exe'], ['b.txt']])
      expect(problems).toEqual([])
    }
  })

  test('that has lost its end shows the names that its files have in front of them', async () => {
    const { entries, problems } = await open(sound.subarray(0, -30))
    expect(entries.map(({ names }) => names)).toEqual([['a.exe'], ['b.txt']])
    expect(problems).toMatchObject([{ problem: 'broken' }])
  })

  const names = (contents: Awaited<ReturnType<typeof open>>): readonly string[] =>
    contents.entries.flatMap((entry) => entry.names)

  test('behind another one shows the files of both, whichever unpackers open', async () => {
    const other = zipOf({ 'c.txt': program })
    for (const both of [
      [sound, other],
      [other, sound],
    ]) {
      const contents = await open(Buffer.concat([Buffer.from('GIF89a'), ...both]))
      expect(names(contents).toSorted()).toEqual(['a.exe', 'b.txt', 'c.txt'])
      expect(contents.problems).toEqual([])
      // Their contents too, not only their names.
      const programs = contents.entries.filter(({ content }) => content?.extension === 'exe')
      expect(programs).toHaveLength(2)
    }
  })

  test('behind an archive of another kind is found too: its name says who opens it', async () => {
    const rar = Buffer.from('Rar!\x1a\x07\x01\0 and more', 'latin1')
    const tar = tarOf([['c.txt', Buffer.from('text')]])
    for (const front of [gzipSync('text'), tar, rar]) {
      const contents = await open(Buffer.concat([front, sound]))
      expect(names(contents)).toEqual(expect.arrayContaining(['a.exe', 'b.txt']))
    }
    expect(await problemsOf(rar, { name: 'a.zip' })).toEqual(['broken'])
    expect(await problemsOf(Buffer.from('BZh91AY&SY and more'), { name: 'a.zip' })).toEqual([])
    const picture = Buffer.concat([Buffer.from('GIF89a'), sound])
    expect(names(await open(zipOf({ 'inner.zip': picture })))).toContain('a.exe')
  })

  test('shows files that its directory does not name', async () => {
    const end = sound.indexOf('PK\x01\x02', 0, 'latin1')
    const hidden = sound.subarray(0, end)
    const contents = await open(Buffer.concat([hidden, zipOf({ 'c.txt': program })]))
    expect(names(contents)).toEqual(['c.txt', 'a.exe', 'b.txt'])
    expect(contents.problems).toMatchObject([{ problem: 'broken' }])
    const within = await open(zipOf({ 'inner.zip': sound }))
    expect(within.problems).toEqual([])
  })

  test('shows the names in the fields of Info-ZIP', async () => {
    const field = Buffer.from('up\x0a\0\x01....b.exe', 'latin1')
    for (const signature of ['PK\x01\x02', 'PK\x03\x04']) {
      const contents = await open(withExtra(zipOf({ 'a.txt': program }), signature, field))
      expect(names(contents)).toEqual(['a.txt', 'b.exe'])
    }
  })

  test('of which thousands stand behind each other, or of thousands of headers nobody names, is not looked into to its end', async () => {
    const end = Buffer.from(`PK\x01\x02PK\x05\x06${'\0'.repeat(8)}\x04${'\0'.repeat(9)}`, 'latin1')
    const ends = Buffer.alloc(end.length * 3000, end)
    const header = Buffer.from(`PK\x03\x04${'\0'.repeat(22)}\xf0\xff\0\0`, 'latin1')
    const headers = Buffer.concat([Buffer.alloc(header.length * 3000, header), sound])
    for (const bytes of [ends, headers]) expect(await problemsOf(bytes)).toContain('limit')
  })

  test('whose files have hundreds of names each is broken', async () => {
    const names = Array.from({ length: 300 }, (_, n) => `${n}`.padStart(3, '0'))
    const field = Buffer.from(names.map((name) => `up\x08\0\x01....${name}`).join(''), 'latin1')
    for (const signature of ['PK\x01\x02', 'PK\x03\x04']) {
      const contents = await open(withExtra(zipOf({ 'a.txt': program }), signature, field))
      expect(contents.problems).toMatchObject([{ problem: 'broken' }])
      expect(contents.entries[0]?.names).toHaveLength(17)
      expect(contents.entries[0]?.names).toEqual(expect.arrayContaining(['000', '299']))
    }
  })

  test('in name only is broken', async () => {
    expect(await problemsOf(Buffer.from('just text'), { name: 'a.zip' })).toEqual(['broken'])
  })
})

test('any damaged archive gives an answer', async () => {
  const sound = [
    zipOf({ 'a.exe': program, 'b.zip': zipOf({ c: program }) }),
    gzipSync(tarOf([['a', program]])),
  ]
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...sound), flips, fc.nat(), async (archive, all, cut) => {
      const bytes = Buffer.from(archive)
      for (const [at, value] of all) bytes[at % bytes.length] = value
      const { entries } = await open(
        bytes.subarray(0, cut % 2 === 0 ? undefined : cut % bytes.length),
        { digests: true },
      )
      expect(entries.length).toBeLessThanOrEqual(archiveLimits.entries)
    }),
    { numRuns: 300 },
  )
})

/** Its directory names a program where its file says something else. */
function contradicting(): Buffer {
  const bytes = zipOf({ 'run.exe': program })
  bytes.write('run.txt', bytes.indexOf('run.exe'))
  return bytes
}

test.each([
  [
    'with more behind it than a comment may have',
    (zip: Buffer) => [zip, Buffer.alloc(70_000, 'x')],
  ],
  ['with bytes behind it', (zip: Buffer) => [zip, Buffer.from('trailer')]],
  ['between bytes', (zip: Buffer) => [Buffer.alloc(100), zip, Buffer.alloc(70_000, 'x')]],
])('of a zip archive that is found %s, all names count', async (_, around) => {
  const bytes = Buffer.concat(around(contradicting()))
  const { entries, problems } = await open(bytes, { name: 'a.zip' })
  expect(entries.flatMap(({ names }) => names)).toEqual(
    expect.arrayContaining(['run.txt', 'run.exe']),
  )
  expect(problems).toMatchObject([{ problem: 'broken' }])
})

import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { describe, expect, test } from 'vitest'
import { memoryMessage } from '../../testkit/memory-message.ts'
import type { ByteRange } from '../byte-range.ts'
import { contentOf } from './content.ts'
import { readMimeTree } from './read-tree.ts'
import { SharedMimeTree } from './shared-tree.ts'
import type { MimeTree } from './tree.ts'

const lines = (...each: readonly string[]): string => each.join('\r\n')

describe('the tree of a message', () => {
  test('has one reading where the message is clear', async () => {
    const tree = await memoryMessage('Subject: x\r\n\r\nHello').mime()
    expect(tree).toMatchObject({ readings: [{ parts: [{ type: 'text/plain' }] }], ambiguities: [] })
    expect(tree.readings).toHaveLength(1)
  })

  test('has what every reader would see where it is not', async () => {
    const message = memoryMessage(
      lines(
        'Content-Type: multipart/mixed; boundary=a; boundary=b',
        '',
        '--a',
        '',
        'harmless',
        '--a--',
        '--b',
        'Content-Disposition: attachment; filename=bad.exe',
        '',
        'MZ',
        '--b--',
      ),
    )
    const { readings, ambiguities } = await message.mime()
    const names = readings.map(({ parts }) => parts.flatMap(({ fileNames }) => fileNames))
    expect(names).toEqual([[], ['bad.exe'], ['bad.exe']])
    expect(ambiguities).toContainEqual({ kind: 'content-type', offset: 0 })
  })

  test('turns each doubt alone, then all together', async () => {
    const message = memoryMessage(
      'Subject: x\r\njunk\r\nContent-Type: a/b\nContent-Type: c/d\r\n\r\n',
    )
    const { readings } = await message.mime()
    expect(readings.map(({ choices: { fields, lines: by, junk } }) => [fields, by, junk])).toEqual([
      ['first', 'crlf', 'skipped'],
      ['last', 'crlf', 'skipped'],
      ['any', 'crlf', 'skipped'],
      ['first', 'any', 'skipped'],
      ['first', 'crlf', 'never-ends'],
      ['first', 'crlf', 'ends-header'],
      ['any', 'any', 'ends-header'],
    ])
  })

  test('says which limit it met', async () => {
    const tree = await readMimeTree(memoryMessage(`X: ${'a'.repeat(300_000)}\r\n\r\n`))
    expect(tree).toMatchObject({ limit: { limit: 'header', offset: 0 }, readings: [{ parts: [] }] })
  })

  test('is read once for all who ask at once, and after', async () => {
    let reads = 0
    const message = memoryMessage('Subject: x\r\n\r\nHello')
    const shared = new SharedMimeTree({
      sizeBytes: message.sizeBytes,
      read(range) {
        reads += 1
        return message.read(range)
      },
    })
    const [one, other] = await Promise.all([shared.get(), shared.get()])
    expect(one).toBe(other)
    expect(await shared.get()).toBe(one)
    expect(reads).toBe(1)
  })

  test('is still read for those who wait when another hangs up', async () => {
    const message = memoryMessage('Subject: x\r\n\r\nHello')
    const shared = new SharedMimeTree({
      sizeBytes: message.sizeBytes,
      read: (range) => message.read(range),
    })
    const controller = new AbortController()
    const waiting = shared.get()
    const leaving = shared.get(controller.signal)
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await waiting).readings).toHaveLength(1)
  })

  test('is no longer read once nobody waits, and read anew for the next', async () => {
    const shared = new SharedMimeTree(memoryMessage(`\r\n${'x'.repeat(2_000_000)}`))
    const controller = new AbortController()
    const leaving = shared.get(controller.signal)
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await shared.get()).readings).toHaveLength(1)
  })

  test('of a message in memory is the one that is read from a disk', async () => {
    const line = fc.constantFrom(
      '',
      'a',
      'X: 1',
      ' more',
      'no field',
      'X: a\nY: b',
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Type: message/rfc822',
      'Content-Type: text/html',
      '--b',
      '--b--',
      '--b x',
      'a\rb: c',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), async (lines) => {
        const message = memoryMessage(lines.join('\r\n'))
        const { sizeBytes, bodyOffset, header } = message
        const read = (range?: ByteRange): AsyncIterable<Uint8Array> => message.read(range)
        const bytewise = async function* (): AsyncIterable<Uint8Array> {
          for await (const chunk of read()) for (const byte of chunk) yield Uint8Array.of(byte)
        }
        const plain = (tree: MimeTree): unknown => JSON.parse(JSON.stringify(tree))
        const slow = plain(await readMimeTree({ sizeBytes, read: bytewise }))
        expect(plain(await message.mime())).toEqual(slow)
        expect(plain(await readMimeTree({ sizeBytes, read, header, bodyOffset }))).toEqual(slow)
      }),
    )
  })

  test('lets the loop turn while a large message is read', async () => {
    let turns = 0
    let reading = true
    const count = (): void => {
      turns += 1
      if (reading) setImmediate(count)
    }
    setImmediate(count)
    await memoryMessage(`\r\n${'x'.repeat(8_000_000)}`).mime()
    reading = false
    expect(turns).toBeGreaterThan(10)
  })
})

describe('postal-mime finds the same', () => {
  const message = lines(
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="outer"',
    '',
    'preamble',
    '--outer',
    'Content-Type: multipart/alternative; boundary="inner"',
    '',
    '--inner',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'na=EFve',
    '--inner--',
    '--outer',
    'Content-Type: application/octet-stream; name="=?utf-8?Q?na=C3=AFve=2Ebin?="',
    'Content-Disposition: attachment',
    'Content-Transfer-Encoding: base64',
    '',
    'AAECAwQF',
    '--outer',
    'Content-Type: application/pdf',
    "Content-Disposition: attachment; filename*0*=utf-8''re%C3%A9; filename*1=port.pdf",
    'Content-Transfer-Encoding: base64',
    '',
    'JVBERg==',
    '--outer--',
  )

  test('attachments, by name, type and content', async () => {
    const source = memoryMessage(message)
    const { readings } = await source.mime()
    const ours = await Promise.all(
      readings[0].parts
        .filter(({ disposition }) => disposition === 'attachment')
        .map(async (part) => ({
          filename: part.fileNames[0],
          mimeType: part.type,
          content: (await contentOf(source, part, { maxBytes: 1000 })).toString('hex'),
        })),
    )
    const { attachments } = await PostalMime.parse(source.bytes)
    const theirs = attachments.map(({ filename, mimeType, content }) => ({
      filename,
      mimeType,
      content: (typeof content === 'string'
        ? Buffer.from(content)
        : Buffer.from(new Uint8Array(content))
      ).toString('hex'),
    }))
    expect(ours).toEqual(theirs)
  })
})

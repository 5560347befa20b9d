import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { fileTypeFromBuffer } from 'file-type'
import { expect, test } from 'vitest'
import { isPlainText } from './plain-text.ts'

interface Signature {
  readonly offset: number
  readonly bytes: Buffer
}

/** All that file-type compares a head with, read from its source, so that a new version brings its own. */
const signatures: readonly Signature[] = [
  ...readFileSync(new URL(import.meta.resolve('file-type')), 'utf8').matchAll(
    /this\.check(?:String)?\((\[[^\]]*\]|'[^']*'|String\.raw`[^`]*`)(?:, \{offset: (\d+))?/g,
  ),
].map(([, literal = '', offset = '0']) => ({ offset: Number(offset), bytes: bytesOf(literal) }))

function bytesOf(literal: string): Buffer {
  if (literal.startsWith('[')) return Buffer.from(literal.slice(1, -1).split(',').map(Number))
  if (literal.startsWith('String.raw')) return Buffer.from(literal.slice(11, -1))
  return Buffer.from(
    literal
      .slice(1, -1)
      .replaceAll('\\0', '\0')
      .replaceAll(/\\[rnt]/g, escaped),
  )
}

function escaped(written: string): string {
  return written === String.raw`\r` ? '\r' : written === String.raw`\n` ? '\n' : '\t'
}

/** Bytes as they stand in texts, in those with umlauts of whatever charset too. */
const text = fc
  .array(
    fc.oneof(
      { arbitrary: fc.integer({ min: 0x20, max: 0x7e }), weight: 20 },
      fc.constantFrom(0x0a, 0x0d, 0x09, 0x47, 0x30, 0x80, 0xc3, 0xff, 0xfe),
    ),
    { minLength: 40, maxLength: 700 },
  )
  .map((bytes) => Buffer.from(bytes))

async function agrees(head: Buffer): Promise<void> {
  if (!isPlainText(head)) return
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  expect([head.toString('latin1'), found]).toEqual([head.toString('latin1'), undefined])
}

test('text as people write it is taken for plain text', () => {
  const letter = 'Hello Bob,\r\n\r\nhere is what you asked for: 12 pounds of it.\r\n\tGrüße\r\n'
  for (const sample of [letter, letter.repeat(60), `<html><body>${letter}</body></html>`]) {
    expect(isPlainText(Buffer.from(sample))).toBe(true)
    expect(isPlainText(Buffer.from(sample, 'latin1'))).toBe(true)
  }
})

test('no signature of file-type is taken for plain text', async () => {
  expect(signatures.length).toBeGreaterThan(150)
  for (const { offset, bytes } of signatures) {
    for (const length of [40, 160, 300, 600]) {
      const head = Buffer.alloc(length, 'some text ')
      bytes.copy(head, offset)
      await agrees(head)
    }
  }
})

test('what is taken for plain text file-type knows no type of, whatever stands in it', async () => {
  const within = fc.array(fc.constantFrom(...signatures), { maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(text, within, async (head, some) => {
      for (const { offset, bytes } of some) bytes.copy(head, offset)
      await agrees(head)
    }),
    { numRuns: 3_000 },
  )
})

test('a tar archive that only the sum of its bytes shows is none', async () => {
  const head = Buffer.alloc(200, 'a')
  head.fill('      ', 148, 154)
  const sum = (): number =>
    head.reduce((all, byte, at) => all + (at > 147 && at < 156 ? 0 : byte), 256)
  head.write(sum().toString(8), 148)
  expect((await fileTypeFromBuffer(head))?.ext).toBe('tar')
  expect(isPlainText(head)).toBe(false)
})

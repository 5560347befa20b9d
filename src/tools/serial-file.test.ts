import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import fc from 'fast-check'
import { systemDisk } from '../runtime/node/disk.ts'
import { readSerialFile, type SerialFile } from './serial-file.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'postern-serial-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const lines = 'Return-Path: <a@b.test>\nDelivered-To: turn-c@d.test\n'

async function read(text: string | Uint8Array): Promise<SerialFile> {
  const path = join(folder(), 'mail')
  writeFileSync(path, Buffer.concat([Buffer.from(lines), Buffer.from(text)]))
  const found = await readSerialFile(systemDisk, path, 'turn-')
  if (typeof found === 'string') throw new Error(found)
  return found
}

async function textOf({ message }: SerialFile, range?: { offset: number; length: number }) {
  return Buffer.concat(await Array.fromAsync(message.read(range))).toString('latin1')
}

test('a message of many megabytes is what a small one is, but never in memory as a whole', async () => {
  const body = `${'x'.repeat(99)}\n`.repeat(30_000)
  const found = await read(`Subject: s\n\n${body}no end`)
  const whole = `Subject: s\r\n\r\n${body.replaceAll('\n', '\r\n')}no end\r\n`
  expect(await textOf(found)).toBe(whole)
  expect(found.message).toMatchObject({ sizeBytes: whole.length, bodyOffset: 14, eightBit: false })
  expect(await textOf(found, { offset: 10, length: 2_000_000 })).toBe(whole.slice(10, 2_000_010))
  for await (const chunk of found.message.read()) expect(chunk.length).toBeLessThanOrEqual(65_536)
})

test('wherever its line ends lie, a large message is the small one with more in it', async () => {
  const end = fc.constantFrom('\n', '\r\n', '\r', 'x', '\u00e9')
  await fc.assert(
    fc.asyncProperty(fc.array(end, { maxLength: 40 }), async (ends) => {
      const text = Buffer.from(`A: b\n\n${ends.join('')}`, 'latin1')
      const more = Buffer.from(`\n${`${'y'.repeat(76)}\n`.repeat(14_000)}`)
      const small = await textOf(await read(Buffer.concat([text, Buffer.from('\n')])))
      const large = await read(Buffer.concat([text, more]))
      expect((await textOf(large)).slice(0, small.length)).toBe(small)
      expect(large.message.eightBit).toBe(ends.includes('\u00e9'))
    }),
    { numRuns: 20 },
  )
})

test('a header without an end within a megabyte is none, and what is no file is not read', async () => {
  await expect(read(`A: ${'b'.repeat(2 << 20)}`)).rejects.toThrow(
    'its header has no end within 1 MB',
  )
  const place = folder()
  symlinkSync('/etc/passwd', join(place, 'link'))
  await expect(readSerialFile(systemDisk, join(place, 'link'), '')).rejects.toMatchObject({
    code: 'DISK_FAILED',
  })
  expect(await readSerialFile(systemDisk, place, '')).toBe('it is no file')
})

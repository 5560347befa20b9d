import { expect, test } from 'vitest'
import { isEncryptedDocument } from './office-document.ts'

/** A compound file (MS-CFB): its header, one sector of directory, one stream in the next. */
function compoundFile(stream: string, content = ''): Buffer {
  const file = Buffer.alloc(3 * 512)
  const entry = 512 + 128
  file.write(stream, entry, 'utf16le')
  file.writeUInt16LE((stream.length + 1) * 2, entry + 64)
  file.writeUInt32LE(1, entry + 116)
  file.write(content, 1024, 'latin1')
  return file
}

const word = (flags: string): string => `\xec\xa5\xc1\0${'\0'.repeat(6)}\0${flags}`
const excel = (next: string): string => `\x09\x08\x10\0${'\0'.repeat(16)}${next}`

test.each([
  ['of Office 2007 and later', true, 'EncryptedPackage', ''],
  ['of Word', true, 'WordDocument', word('\x13')],
  ['of Word without a password', false, 'WordDocument', word('\x12')],
  ['of Excel', true, 'Workbook', excel('\x2f\0\x06\0')],
  ['of Excel 95', true, 'Book', excel('\x2f\0\x06\0')],
  ['of Excel without a password', false, 'Workbook', excel('\xe1\0\x02\0\xb0\x04')],
])('A document %s is seen to have a password: %s', (_, locked, stream, content) => {
  const file = compoundFile(stream, content)
  expect(isEncryptedDocument(file)).toBe(locked)
  for (let length = 0; length < file.length; length += 7)
    isEncryptedDocument(file.subarray(0, length))
})

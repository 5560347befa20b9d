import { expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { attachments } from './attachments.ts'
import { contentTypeOf } from './content-type.ts'
import { isContainer } from './signed-container.ts'

const element = (tag: number, ...content: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(content)
  const length = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const endless = (tag: number, ...content: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x80]), ...content, Buffer.alloc(2)])
const padded = (tag: number, ...content: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(content)
  const zeros = Array<number>(12).fill(0)
  return Buffer.concat([Buffer.from([tag, 0x8e, ...zeros, body.length >> 8, body.length]), body])
}
const oid = (hex: string): Buffer => element(0x06, Buffer.from(hex, 'hex'))

const data = oid('2a864886f70d010701')
const signedData = oid('2a864886f70d010702')
const version = element(0x02, Buffer.from([1]))
const digests = element(0x31, element(0x30, oid('608648016503040201')))
const certificates = element(0xa0, element(0x30, version))
const file = element(0x04, Buffer.from('Content-Type: a/b; name=a.vbs\r\n\r\nMsgBox 1'))
const signed = (make: typeof element, ...content: readonly Buffer[]) =>
  make(
    0x30,
    signedData,
    make(0xa0, make(0x30, version, digests, make(0x30, data, ...content), certificates)),
  )

test.each([
  ['what is signed and within', signed(element, element(0xa0, file)), true],
  ['the same of lengths that nobody knew', signed(endless, endless(0xa0, file)), true],
  ['the same of lengths that begin with zeros', signed(padded, padded(0xa0, file)), true],
  ['a signature beside what is signed', signed(element), false],
  ['one beside it, of lengths that nobody knew', signed(endless), false],
  ['what is encrypted', element(0x30, oid('2a864886f70d010703'), element(0xa0)), true],
  ['what is encrypted, of padded lengths', padded(0x30, oid('2a864886f70d010703')), true],
  ['a signature of lengths that begin with zeros', signed(padded), false],
  ['what is packed', element(0x30, oid('2a864886f70d0109100109'), element(0xa0)), true],
  ['what is signed and ends too soon', signed(element).subarray(0, 20), true],
  ['what is signed in no way that is known', element(0x30, signedData, version), true],
  ['a certificate', element(0x30, element(0x30, version)), false],
  ['text that begins like it', Buffer.from('0 '), false],
  ['nothing', Buffer.alloc(0), false],
])('of %s it is known whether something is in it', (_, bytes, expected) => {
  expect(isContainer(bytes)).toBe(expected)
})

test('a file in S/MIME, or in an archive without much of a mark, is not passed without a word', async () => {
  const newc = `070701${'0'.repeat(104)}a.vbs\0`
  const lzma = Buffer.from([0x5d, 0, 0, 0x80, 0, ...Array<number>(8).fill(0xff), 0, 1])
  for (const bytes of [signed(element, element(0xa0, file)), Buffer.from(newc), lzma]) {
    const message =
      'Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
      `${bytes.toString('base64')}\r\n`
    expect(await pluginUnderTest(attachments).message(message)).toMatchObject({
      verdict: 'pass',
      headerEdits: [{ edit: 'append', value: 'archive-unread' }],
    })
  }
  for (const text of ['070701 was the number of my father', '070701', ']', '0 '])
    expect(await contentTypeOf(Buffer.from(text))).toBeUndefined()
})

/** Files that are called like messages: what is in them counts, and nothing is made of those that are none. */
import { expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { attachments } from './attachments.ts'

const judged = (part: readonly string[]) =>
  pluginUnderTest(attachments, {}).message(
    ['Content-Type: multipart/mixed; boundary=b', '', '--b', ...part, '--b--', ''].join('\r\n'),
  )

/** A part in base64. */
const file = (type: string, name: string, text: string) => [
  `Content-Type: ${type}; name="${name}"`,
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from(text)
    .toString('base64')
    .replace(/.{1,76}/g, '$&\r\n'),
]

const fields = 'Subject: y\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n'

test.each([
  ['a table', 'customers.email', 'name,address,more\r\n'.repeat(30_000)],
  ['bytes without lines', 'scan.eml', 'A'.repeat(600_000)],
])('%s is no message for its name, and no structure in it is too large', async (_, name, text) => {
  for (const type of ['application/octet-stream', 'text/plain']) {
    const verdict = await judged(file(type, name, text))
    expect([verdict.verdict, verdict.reason]).toEqual(['pass', undefined])
  }
})

test('a message that is a file is refused where its header is longer than is read', async () => {
  const long = `${'X-Filler: z\r\n'.repeat(30_000)}${fields}--i--\r\n`
  expect(await judged(file('application/octet-stream', 'a.eml', long))).toMatchObject({
    verdict: 'reject',
    reason: 'MIME_LIMIT',
  })
})

test('the fields alone of a message, as a report returns them, are no multipart without an end', async () => {
  const verdict = await judged(file('message/global-headers', 'headers.txt', fields))
  expect([verdict.verdict, verdict.reason]).toEqual(['pass', undefined])
})

const padding = `${'x'.repeat(998)}\r\n`.repeat(11_000)
const program = [
  'Subject: y',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=i',
  '',
  '--i',
  '',
  `${padding}--i`,
  'Content-Type: application/octet-stream; name="run.exe"',
  '',
  'MZ',
  '--i--',
  '',
].join('\r\n')

test('a message of more than ten megabytes that is a file is looked into where it lies', async () => {
  const plain = (text: string) => ['Content-Type: text/rfc822; name="a.eml"', '', text]
  expect(await judged(plain(program))).toMatchObject({ verdict: 'reject', reason: 'ATTACHMENT' })
  const verdict = await judged(plain(`Subject: y\r\n\r\n${padding}`))
  expect([verdict.verdict, verdict.reason]).toEqual(['pass', undefined])
})

test('where it is encoded it is judged like any part of that size, and not held for it', async () => {
  const verdict = await judged(file('application/octet-stream', 'a.eml', program))
  expect([verdict.verdict, verdict.reason]).toEqual(['pass', undefined])
})

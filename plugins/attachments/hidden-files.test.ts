/** Files that some mail programs find where others see a message, one text, or nothing at all. */
import { expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { attachments } from './attachments.ts'

const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 0x90)])
const coded = program.toString('base64').replace(/.{1,76}/g, '$&\r\n')
const part = [
  'Content-Type: application/octet-stream; name=readme.dat',
  'Content-Transfer-Encoding: base64',
  '',
  coded,
]

const ask = async (message: string) =>
  (await pluginUnderTest(attachments, {}).message(message)).verdict
const multi = (type: string, ...rest: readonly string[]) =>
  ['Subject: x', 'MIME-Version: 1.0', type, '', ...rest].join('\r\n')
const divided = (type: string, boundary: string) =>
  multi(`Content-Type: ${type}`, `--${boundary}`, ...part, `--${boundary}--`, '')
const within = (...lines: readonly string[]) =>
  multi('Content-Type: multipart/mixed; boundary=b', '--b', ...lines, '--b--', '')
const hidden: readonly (readonly [string, string])[] = [
  [
    'a message that is attached under the name of a script',
    within('Content-Type: message/rfc822; name=a.vbs', '', 'Subject: y', '', 'MsgBox 1'),
  ],
  [
    'what is a message in a digest, and called a script',
    within('Content-Disposition: attachment; filename=a.vbs', '', 'MsgBox 1').replace(
      'mixed',
      'digest',
    ),
  ],
  [
    'a program that is declared to be a message',
    within('Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64', '', coded),
  ],
  [
    'a script that is declared to be a multipart, and never divided',
    within('Content-Type: multipart/mixed; boundary=c; name=a.vbs', '', 'MsgBox 1'),
  ],
  [
    'a first field behind blanks',
    within(' Content-Transfer-Encoding: base64', 'Content-Type: image/gif', '', coded),
  ],
  [
    'a delimiter in a header that only an empty line ends',
    within('Content-Type: a/b', 'Content-Transfer-Encoding: base64', '--b--', '', coded),
  ],
  [
    'a boundary with two readings whose type is quoted',
    divided('"multipart/mixed"; boundary="a\\"b"', 'a"b'),
  ],
  [
    'of two boundaries the last outside, the first inside',
    multi(
      'Content-Type: multipart/mixed; boundary=x; boundary=b',
      '--b',
      'Content-Type: multipart/mixed; boundary=c; boundary=y',
      '',
      '--c',
      ...part,
      '--c--',
      '--b--',
    ),
  ],
  [
    'uuencode behind a tab',
    multi('Content-Type: text/plain', 'begin 644\ta.vbs', '#35J0', '`', 'end'),
  ],
  [
    'uuencode under a shorter name',
    multi(
      'Content-Type: a/b\r\nContent-Transfer-Encoding: x-uu',
      'begin 644 a.dat',
      '#35J0',
      '`',
      'end',
    ),
  ],
  [
    'an extended name that goes on behind a blank',
    within('Content-Disposition: inline; filename*0=a.vbs x', '', 'MsgBox 1'),
  ],
]

test.each(hidden)('%s is found', async (_, message) => {
  expect(await ask(message)).toBe('reject')
})

test('a message that is attached is judged by its type as well', async () => {
  const rules = ['reject type message/rfc822']
  const asked = pluginUnderTest(attachments, { options: { rules } })
  const forwarded = within('Content-Type: message/rfc822', '', 'Subject: y', '', 'Hello')
  expect((await asked.message(forwarded)).verdict).toBe('reject')
  expect(await ask(forwarded)).toBe('pass')
})

test('a message that is attached may be called by its subject, which ends in a domain', async () => {
  const called = (name: string, first: string) =>
    within(`Content-Type: message/rfc822; name="${name}"`, '', first, '', 'Hello')
  expect(await ask(called('Re: example.com', 'Subject: y'))).toBe('pass')
  expect(await ask(called('see http://www.example.com', 'Subject: y'))).toBe('pass')
  expect(await ask(called('Re: example.com', 'X5O! is a program'))).toBe('reject')
  expect(await ask(called('Re: example.com', 'MZ: \0'))).toBe('reject')
})

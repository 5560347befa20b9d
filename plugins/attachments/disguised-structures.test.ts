/** Programs that a message hides in its structure, each in a way that some mail program sees through. */
import { expect, test } from 'vitest'
import { zipSync } from 'fflate'
import { memoryMessage, pluginUnderTest } from 'postern/testkit'
import { attachments } from './attachments.ts'

const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 0x90)])
const coded = program.toString('base64').replace(/.{1,76}/g, '$&\r\n')
const crlf = (...each: readonly string[]): string => each.join('\r\n')
const ask = async (message: string) =>
  (await pluginUnderTest(attachments, {}).message(message)).verdict

/** A message of one field and a body. */
const multi = (ct: string, ...rest: readonly string[]) =>
  crlf('Subject: x', 'MIME-Version: 1.0', ct, '', ...rest)
const part = [
  'Content-Type: application/octet-stream; name=readme.dat',
  'Content-Transfer-Encoding: base64',
  '',
  coded,
]
/** A multipart whose only part, between these delimiters, is the program. */
const divided = (type: string, boundary: string) =>
  multi(`Content-Type: ${type}`, `--${boundary}`, ...part, `--${boundary}--`, '')
const mixed = (cte: string, body: string) =>
  multi(
    'Content-Type: multipart/mixed; boundary=b',
    '--b',
    'Content-Type: application/octet-stream',
    cte,
    '',
    body,
    '--b--',
    '',
  )
const inner = crlf(
  'Subject: y',
  'Content-Type: multipart/mixed; boundary=i',
  '',
  '--i',
  ...part,
  '--i--',
  '',
)
const uu = (name: string) => {
  const out = []
  for (let at = 0; at < program.length; at += 45) {
    const line = program.subarray(at, at + 45)
    let text = String.fromCharCode(32 + line.length)
    const padded = Buffer.concat([line, Buffer.alloc((3 - (line.length % 3)) % 3)])
    for (let t = 0; t < padded.length; t += 3)
      for (const s of [18, 12, 6, 0])
        text += String.fromCharCode(32 + ((padded.readUIntBE(t, 3) >> s) & 63))
    out.push(text.replaceAll(' ', '`'))
  }
  return crlf(`begin 644 ${name}`, ...out, '`', 'end')
}
const b64 = (text: string | Uint8Array) =>
  Buffer.from(text)
    .toString('base64')
    .replace(/.{1,76}/g, '$&\r\n')
const zip = (files: Readonly<Record<string, Uint8Array>>) => zipSync(files)
/** A zip archive that names its file twice, each time otherwise: unpackers differ in whom they believe. */
function renamed(find: (archive: Buffer) => number): Buffer {
  const archive = Buffer.from(zip({ 'abcdefgh.exe': Buffer.from('x') }))
  archive.write('abcdefgh.txt', find(archive), 'latin1')
  return archive
}
const renamedLocal = renamed((archive) => archive.indexOf('abcdefgh.exe'))
const renamedCentral = renamed((archive) => archive.lastIndexOf('abcdefgh.exe'))

const bodies: readonly (readonly [string, string])[] = [
  ['plain', mixed('Content-Transfer-Encoding: base64', coded)],
  ['junk in base64', mixed('Content-Transfer-Encoding: base64', coded.replace(/(.{5})/g, '$1*!'))],
  ['blanks in base64', mixed('Content-Transfer-Encoding: base64', coded.replace(/(.)/g, '$1 '))],
  [
    '= early',
    mixed(
      'Content-Transfer-Encoding: base64',
      `TQ==${Buffer.from(program.subarray(1)).toString('base64')}`,
    ),
  ],
  [
    '= early 2',
    mixed(
      'Content-Transfer-Encoding: base64',
      `TVo=${Buffer.from(program.subarray(2)).toString('base64')}`,
    ),
  ],
  ['no padding', mixed('Content-Transfer-Encoding: base64', coded.replaceAll('=', '').trim())],
  ['junk line first', mixed('Content-Transfer-Encoding: base64', `!!!!\r\n${coded}`)],
  [
    'url-safe',
    mixed('Content-Transfer-Encoding: base64', coded.replaceAll('+', '-').replaceAll('/', '_')),
  ],
  ['comment', mixed('Content-Transfer-Encoding: base64 (c)', coded)],
  ['quoted', mixed('Content-Transfer-Encoding: "base64"', coded)],
  ['case', mixed('CONTENT-TRANSFER-ENCODING: BASE64', coded)],
  ['dup 1', mixed('Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64', coded)],
  ['dup 2', mixed('Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit', coded)],
  ['folded cte', mixed('Content-Transfer-Encoding:\r\n base64', coded)],
  ['cte with blank', mixed('Content-Transfer-Encoding : base64', coded)],
  ['cte semicolon', mixed('Content-Transfer-Encoding: base64; foo', coded)],
  ['cte list', mixed('Content-Transfer-Encoding: 7bit, base64', coded)],
  ['cte nul', mixed('Content-Transfer-Encoding: base64\0', coded)],
  ['cte colon', mixed('Content-Transfer-Encoding:: base64', coded)],
  [
    'qp',
    mixed(
      'Content-Transfer-Encoding: quoted-printable',
      [...program]
        .map((x) => `=${x.toString(16).padStart(2, '0')}`)
        .join('')
        .replace(/.{72}/g, '$&=\r\n'),
    ),
  ],
  [
    'qp broken',
    mixed('Content-Transfer-Encoding: quoted-printable', `=4D=\r\n=5A=90=9\r\n${'=90'.repeat(20)}`),
  ],
  ['boundary quoted blank', divided('multipart/mixed; boundary="a b"', 'a b')],
  ['boundary trailing blank', divided('multipart/mixed; boundary="ab "', 'ab')],
  ['boundary trailing blank 2', divided('multipart/mixed; boundary="ab "', 'ab ')],
  [
    'delimiter trailing blank',
    multi('Content-Type: multipart/mixed; boundary=ab', '--ab \t', ...part, '--ab--', ''),
  ],
  ['boundary leading blank', divided('multipart/mixed; boundary=" ab"', ' ab')],
  ['boundary dup param 1', divided('multipart/mixed; boundary=a; boundary=b', 'b')],
  ['boundary dup param 2', divided('multipart/mixed; boundary=b; boundary=a', 'b')],
  ['boundary case', divided('multipart/mixed; BOUNDARY=Ab', 'Ab')],
  ['boundary 2231', divided("multipart/mixed; boundary*=utf-8''b", 'b')],
  ['boundary 2231 cont', divided('multipart/mixed; boundary*0=a; boundary*1=b', 'ab')],
  [
    'boundary 2231 over plain',
    divided('multipart/mixed; boundary=x; boundary*0=a; boundary*1=b', 'ab'),
  ],
  ['boundary 2047', divided('multipart/mixed; boundary="=?utf-8?Q?ab?="', 'ab')],
  ['boundary 2047 raw', divided('multipart/mixed; boundary="=?utf-8?Q?ab?="', '=?utf-8?Q?ab?=')],
  ['boundary comment', divided('multipart/mixed; boundary=(c)ab', 'ab')],
  ['boundary comment raw', divided('multipart/mixed; boundary=ab(c)', 'ab(c)')],
  ['boundary single quotes', divided("multipart/mixed; boundary='ab'", 'ab')],
  ['boundary no close quote', divided('multipart/mixed; boundary="ab', 'ab')],
  ['boundary escape', divided('multipart/mixed; boundary="a\\b"', 'ab')],
  ['boundary escape raw', divided('multipart/mixed; boundary="a\\b"', 'a\\b')],
  ['boundary long', divided(`multipart/mixed; boundary=${'b'.repeat(200)}`, `${'b'.repeat(200)}`)],
  ['boundary folded', divided('multipart/mixed;\r\n\tboundary="b"', 'b')],
  ['boundary newline inside', divided('multipart/mixed; boundary="a\r\n b"', 'a b')],
  ['boundary unquoted blank', divided('multipart/mixed; boundary=a b', 'a')],
  ['boundary unquoted blank 2', divided('multipart/mixed; boundary=a b', 'a b')],
  ['boundary unquoted slash', divided('multipart/mixed; boundary=a/b?c', 'a/b?c')],
  ['boundary semicolon missing', divided('multipart/mixed boundary=b', 'b')],
  ['boundary comma', divided('multipart/mixed, boundary=b', 'b')],
  ['boundary blanks around =', divided('multipart/mixed; boundary = b', 'b')],
  [
    'no mime-version',
    crlf(
      'Subject: x',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'two types 1',
    crlf(
      'Content-Type: text/plain',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'two types 2',
    crlf(
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Type: text/plain',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'two types 3',
    crlf(
      'Content-Type: multipart/mixed; boundary=a',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'type only multipart',
    multi('Content-Type: multipart; boundary=b', '--b', ...part, '--b--', ''),
  ],
  ['type multipart/', divided('multipart/; boundary=b', 'b')],
  [
    'type blank slash',
    multi('Content-Type: multipart / mixed; boundary=b', '--b', ...part, '--b--', ''),
  ],
  [
    'type quoted',
    multi('Content-Type: "multipart/mixed"; boundary=b', '--b', ...part, '--b--', ''),
  ],
  [
    'type comment',
    multi('Content-Type: (c)multipart/mixed; boundary=b', '--b', ...part, '--b--', ''),
  ],
  [
    'type comment 2',
    multi('Content-Type: multi(c)part/mixed; boundary=b', '--b', ...part, '--b--', ''),
  ],
  [
    'type encoded',
    multi('Content-Type: =?utf-8?Q?multipart/mixed?=; boundary=b', '--b', ...part, '--b--', ''),
  ],
  [
    'type blank colon',
    crlf(
      'Subject: x',
      'Content-Type : multipart/mixed; boundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'junk header line',
    crlf(
      'Subject: x',
      'what is this',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'junk header line in part',
    multi('Content-Type: multipart/mixed; boundary=b', '--b', 'junk line', ...part, '--b--', ''),
  ],
  [
    'From line',
    crlf(
      'From bob Mon Jan 1',
      'Subject: x',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'blank of blanks ends header',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      'Content-Type: text/plain',
      ' ',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'blank first in part',
    multi('Content-Type: multipart/mixed; boundary=b', '--b', '', ...part, '--b--', ''),
  ],
  [
    'header starts folded',
    crlf(' folded', 'Content-Type: multipart/mixed; boundary=b', '', '--b', ...part, '--b--', ''),
  ],
  [
    'part header starts folded',
    multi('Content-Type: multipart/mixed; boundary=b', '--b', ' folded', ...part, '--b--', ''),
  ],
  [
    'after closing',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      '',
      'x',
      '--b--',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'after closing 2',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      '',
      'x',
      '--b--',
      'text',
      '--b',
      ...part,
      '',
    ),
  ],
  [
    'closing with junk',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      '',
      'x',
      '--b--junk',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'delimiter with junk',
    multi('Content-Type: multipart/mixed; boundary=b', '--bjunk', ...part, '--b--', ''),
  ],
  ['no end', multi('Content-Type: multipart/mixed; boundary=b', '--b', ...part)],
  [
    'cr line ends',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      `--b\r${part.slice(0, 3).join('\r')}\r${coded}`,
      '--b--',
      '',
    ),
  ],
  [
    'lf line ends',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      `--b\n${part.slice(0, 3).join('\n')}\n${coded}`,
      '--b--',
      '',
    ),
  ],
  [
    'lf in header',
    crlf('Subject: x\nContent-Type: multipart/mixed; boundary=b', '', '--b', ...part, '--b--', ''),
  ],
  [
    'cr in header',
    crlf('Subject: x\rContent-Type: multipart/mixed; boundary=b', '', '--b', ...part, '--b--', ''),
  ],
  [
    'lf lf ends header',
    `Subject: x\r\nContent-Type: multipart/mixed; boundary=b\n\n--b\r\n${part.join('\r\n')}\r\n--b--\r\n`,
  ],
  [
    'vt ff in folding',
    crlf(
      'Subject: x',
      'Content-Type: multipart/mixed;\x0bboundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '',
    ),
  ],
  [
    'rfc822',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      'Content-Type: message/rfc822',
      '',
      inner,
      '--b--',
      '',
    ),
  ],
  ['rfc822 case', multi('Content-Type: Message/RFC822', inner)],
  ['rfc822 blank first', multi('Content-Type: message/rfc822', '', inner)],
  [
    'rfc822 base64',
    multi('Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64', b64(inner)),
  ],
  [
    'rfc822 qp',
    multi(
      'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable',
      inner.replaceAll('=', '=3D'),
    ),
  ],
  ['rfc822 as text', multi('Content-Type: text/rfc822', inner)],
  [
    'rfc822 as octet-stream .eml',
    multi(
      'Content-Type: application/octet-stream; name=mail.eml\r\nContent-Transfer-Encoding: base64',
      b64(inner),
    ),
  ],
  ['text .eml', multi('Content-Type: text/plain; name=mail.eml', inner)],
  [
    'octet-stream .mht',
    multi(
      'Content-Type: application/octet-stream; name=page.mht\r\nContent-Transfer-Encoding: base64',
      b64(inner),
    ),
  ],
  ['rfc822 > with x-', multi('Content-Type: message/x-rfc822', inner)],
  [
    'multipart base64',
    multi(
      'Content-Type: multipart/mixed; boundary=i\r\nContent-Transfer-Encoding: base64',
      b64(crlf('--i', ...part, '--i--', '')),
    ),
  ],
  [
    'rfc822 nested 8',
    Array.from({ length: 8 }).reduce<string>(
      (m) => multi('Content-Type: message/rfc822', m),
      inner,
    ),
  ],
  ['digest', multi('Content-Type: multipart/digest; boundary=d', '--d', '', inner, '--d--', '')],
  [
    'delivery report',
    multi(
      'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
      '--b',
      '',
      'x',
      '--b',
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns; x',
      '',
      '--b',
      'Content-Type: message/rfc822',
      '',
      inner,
      '--b--',
      '',
    ),
  ],
  [
    'same boundary nested',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      ...part,
      '--b--',
      '--b--',
      '',
    ),
  ],
  [
    'prefix boundary nested',
    multi(
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      'Content-Type: multipart/mixed; boundary=bb',
      '',
      '--bb',
      ...part,
      '--bb--',
      '--b--',
      '',
    ),
  ],
  ['uu', multi('Content-Type: text/plain', 'hi', uu('readme.dat'))],
  ['uu name', multi('Content-Type: text/plain', 'hi', uu('evil.exe'))],
  ['uu no mime', crlf('Subject: x', '', uu('readme.dat'), '')],
  ['uu in html', multi('Content-Type: text/html', '<p>hi', uu('readme.dat'))],
  [
    'uu in application cte',
    multi(
      'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: x-uuencode',
      uu('readme.dat'),
    ),
  ],
  ['uu with blanks', multi('Content-Type: text/plain', uu('readme.dat').replaceAll('`', ' '))],
  [
    'uu mode',
    multi('Content-Type: text/plain', uu('readme.dat').replace('begin 644', 'begin 0100755')),
  ],
  ['uu no end', multi('Content-Type: text/plain', uu('readme.dat').replace('\r\nend', ''))],
  ['zip', mixed('Content-Transfer-Encoding: base64', b64(zip({ 'evil.exe': program })))],
  [
    'zip in zip',
    mixed('Content-Transfer-Encoding: base64', b64(zip({ 'a.zip': zip({ 'evil.exe': program }) }))),
  ],
  ['zip local renamed', mixed('Content-Transfer-Encoding: base64', b64(renamedLocal))],
  ['zip central renamed', mixed('Content-Transfer-Encoding: base64', b64(renamedCentral))],
  [
    'zip behind gif',
    multi(
      'Content-Type: image/gif; name=a.zip\r\nContent-Transfer-Encoding: base64',
      b64(
        Buffer.concat([
          Buffer.from('GIF89a\x01\x00\x01\x00\x00\x00\x00;'),
          zip({ 'evil.exe': program }),
        ]),
      ),
    ),
  ],
  [
    'zip behind text',
    multi(
      'Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64',
      b64(Buffer.concat([Buffer.from('hello\r\n'), zip({ 'evil.exe': program })])),
    ),
  ],
  [
    'docm',
    multi(
      'Content-Type: application/octet-stream; name=a.docx\r\nContent-Transfer-Encoding: base64',
      b64(zip({ 'word/embeddings/evil.exe': program })),
    ),
  ],
  [
    'at top',
    multi('Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64', coded),
  ],
  [
    'declared image',
    multi('Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64', coded),
  ],
  [
    'charset utf-7 html',
    multi('Content-Type: text/plain; charset=utf-7\r\nContent-Transfer-Encoding: base64', coded),
  ],
  ['alternative related', divided('multipart/alternative; boundary=b', 'b')],
  ['signed', divided('multipart/signed; boundary=b', 'b')],
  ['unknown multipart', divided('multipart/x-odd; boundary=b', 'b')],
  ['appledouble', divided('multipart/appledouble; boundary=b', 'b')],
]

test.each(bodies)('a program is found where some reader finds it: %s', async (_, message) => {
  expect(await ask(message)).toBe('reject')
})

test('an empty line before the fields of a part hides nothing, and the part begins behind it', async () => {
  const message = multi(
    'Content-Type: multipart/mixed; boundary=b',
    '--b',
    '',
    ...part,
    '--b--',
    '',
  )
  const tree = await memoryMessage(message).mime()
  const [, inside] = tree.readings[0].parts
  expect(inside).toMatchObject({ fileNames: ['readme.dat'], encodings: ['base64'] })
  expect(inside?.headerRange.offset).toBe(message.indexOf('Content-Type: application'))
  expect(tree.ambiguities).toMatchObject([{ kind: 'header' }])
})

test('an empty line before a text is no doubt, though the text has a colon', async () => {
  const plain = multi(
    'Content-Type: multipart/mixed; boundary=b',
    '--b',
    '',
    'Note: no field',
    '--b--',
    '',
  )
  const { ambiguities } = await memoryMessage(plain).mime()
  expect(ambiguities).toEqual([])
})

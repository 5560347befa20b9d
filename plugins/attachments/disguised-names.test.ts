import { expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { attachments } from './attachments.ts'

const crlf = (...each: readonly string[]): string => each.join('\r\n')

/** A part whose name alone is bad. */
const named = (...fields: readonly string[]): string =>
  crlf(
    'Subject: x',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'hello',
    '--b',
    ...fields,
    '',
    'x',
    '--b--',
    '',
  )
const cd = (rest: string) =>
  named('Content-Type: application/octet-stream', `Content-Disposition: attachment; ${rest}`)

const names: readonly (readonly [string, string])[] = [
  ['plain', cd('filename=evil.exe')],
  ['dot', cd('filename="evil.exe."')],
  ['dots and blanks', cd('filename="evil.exe . ."')],
  ['tab', cd('filename="evil.exe\t"')],
  ['nbsp', cd('filename="evil.exe\u00a0"')],
  ['rlo', cd('filename="annex\u202Efdp.exe"')],
  ['rlo 2231', cd("filename*=utf-8''annex%E2%80%AEfdp.scr")],
  ['lrm at end', cd("filename*=utf-8''evil.exe%E2%80%8E")],
  ['zwsp in extension', cd("filename*=utf-8''evil.e%E2%80%8Bxe")],
  ['NUL 2231', cd("filename*=utf-8''evil.exe%00.txt")],
  ['NUL 2047', cd('filename="=?utf-8?Q?evil.exe=00.txt?="')],
  ['NUL raw', cd('filename="evil.exe\0.txt"')],
  ['2231', cd("filename*=utf-8''evil%2Eexe")],
  ['2231 no quotes', cd('filename*=evil%2Eexe')],
  ['2231 bad charset', cd("filename*=nosuch''evil.exe")],
  ['2231 quoted', cd('filename*="utf-8\'\'evil%2Eexe"')],
  ['continued', cd('filename*0="evil.e"; filename*1="xe"')],
  ['continued mixed', cd("filename*0*=utf-8''evil%2E; filename*1=exe")],
  ['continued unordered', cd('filename*1="xe"; filename*0="evil.e"')],
  ['continued with gap', cd('filename*0="evil.e"; filename*2="xe"')],
  ['continued from 1', cd('filename*1="evil.e"; filename*2="xe"')],
  ['continued over plain', cd('filename="a.txt"; filename*0="evil.e"; filename*1="xe"')],
  ['continued duplicate', cd('filename*0="a.txt"; filename*0="evil.exe"')],
  [
    'continued many',
    cd(['e', 'v', 'i', 'l', '.', 'e', 'x', 'e'].map((c, n) => `filename*${n}=${c}`).join('; ')),
  ],
  ['continued zero padded', cd('filename*00="evil.e"; filename*01="xe"')],
  ['2231 dup', cd("filename*=utf-8''a.txt; filename*=utf-8''evil.exe")],
  ['2047 B', cd('filename="=?utf-8?B?ZXZpbC5leGU=?="')],
  ['2047 B no pad', cd('filename="=?utf-8?B?ZXZpbC5leGU?="')],
  ['2047 Q unquoted', cd('filename==?utf-8?Q?evil=2Eexe?=')],
  ['2047 split', cd('filename="=?utf-8?Q?evil=2Ee?=\r\n =?utf-8?Q?xe?="')],
  ['2047 split char', cd('filename="=?utf-8?B?ZXZpbC5l?= =?utf-8?B?eGU=?="')],
  ['2047 in middle', cd('filename="evil=?utf-8?Q?=2Eexe?="')],
  ['2047 glued', cd('filename="evil.=?utf-8?Q?exe?="')],
  ['2047 tail plain', cd('filename="=?utf-8?Q?evil?=.exe"')],
  ['2047 lang', cd('filename="=?utf-8*en?Q?evil.exe?="')],
  [
    '2047 utf-16',
    cd(`filename="=?utf-16le?B?${Buffer.from('evil.exe', 'utf16le').toString('base64')}?="`),
  ],
  ['2047 utf-7', cd('filename="=?utf-7?Q?evil+AC4-exe?="')],
  ['2231 utf-16', cd("filename*=utf-16le''e%00v%00i%00l%00.%00e%00x%00e%00")],
  ['2047 bad charset', cd('filename="=?x-none?Q?evil=2Eexe?="')],
  ['2047 lower q', cd('filename="=?utf-8?q?evil=2eexe?="')],
  ['2047 within 2231', cd("filename*=utf-8''=?utf-8?Q?evil=2Eexe?=")],
  ['2047 open', cd('filename="=?utf-8?Q?evil.exe"')],
  [
    'cd vs ct',
    named(
      'Content-Type: text/plain; name=evil.exe',
      'Content-Disposition: attachment; filename=a.txt',
    ),
  ],
  ['ct only', named('Content-Type: text/plain; name=evil.exe')],
  ['ct 2231', named("Content-Type: text/plain; name*=utf-8''evil.exe")],
  ['two filenames', cd('filename=a.txt; filename=evil.exe')],
  ['two filenames 2', cd('filename=evil.exe; filename=a.txt')],
  [
    'two dispositions',
    named(
      'Content-Disposition: attachment; filename=a.txt',
      'Content-Disposition: attachment; filename=evil.exe',
    ),
  ],
  [
    'two types',
    named('Content-Type: text/plain; name=a.txt', 'Content-Type: text/plain; name=evil.exe'),
  ],
  ['comment before =', cd('filename(c)=evil.exe')],
  ['comment after =', cd('filename=(c)evil.exe')],
  ['comment within', cd('filename=evil(c).exe')],
  ['comment at end', cd('filename=evil.exe(c)')],
  ['comment nested', cd('(a(b)\\)c) filename=evil.exe')],
  ['single quotes', cd("filename='evil.exe'")],
  ['quotes within', cd('filename="evil".exe')],
  ['quotes twice', cd('filename=""evil.exe""')],
  ['quote then rest', cd('filename="evil.e"xe')],
  ['backtick', cd('filename=`evil.exe`')],
  ['case', cd('FileName=EVIL.ExE')],
  ['blank before =', cd('filename = evil.exe')],
  ['fold before =', cd('filename\r\n = evil.exe')],
  ['no blank', named('Content-Disposition:attachment;filename=evil.exe')],
  ['blank before colon', named('Content-Disposition : attachment; filename=evil.exe')],
  ['tab before colon', named('Content-Disposition\t: attachment; filename=evil.exe')],
  ['folded', named('Content-Disposition:', ' attachment;', '\tfilename=evil.exe')],
  [
    'folded by blank line of blanks',
    named('Content-Disposition: attachment;', ' ', ' filename=evil.exe'),
  ],
  ['no closing quote', cd('filename="evil.exe')],
  ['no opening quote', cd('filename=evil.exe"')],
  ['escapes', cd('filename="evil\\.ex\\e"')],
  ['path', cd('filename="C:\\\\tmp\\\\evil.exe"')],
  ['path unescaped', cd('filename="C:\\tmp\\evil.exe"')],
  ['slash end', cd('filename="evil.exe/"')],
  ['backslash end', cd('filename="evil.exe\\\\"')],
  ['ads', cd('filename="evil.exe::$DATA"')],
  ['ads 2', cd('filename="a.txt:evil.exe"')],
  ['semicolon missing', named('Content-Disposition: attachment filename=evil.exe')],
  ['semicolon double', cd(';;filename=evil.exe')],
  ['comma', named('Content-Disposition: attachment, filename=evil.exe')],
  ['no disposition', named('Content-Disposition: ; filename=evil.exe')],
  ['only filename', named('Content-Disposition: filename=evil.exe')],
  ['inline', named('Content-Disposition: inline; filename=evil.exe')],
  ['percent', cd('filename="evil%2eexe"')],
  ['blank in name unquoted', cd('filename=my evil.exe')],
  ['many blanks', cd(`filename="a.pdf${' '.repeat(200)}.exe"`)],
  ['semicolon in name', cd('filename="a;b.exe"')],
  ['semicolon in name unquoted', cd('filename=a;b.exe')],
  ['newline in name 2', cd('filename="evil\r\n .exe"')],
  ['at top', crlf('Subject: x', 'Content-Disposition: attachment; filename=evil.exe', '', 'x')],
  ['latin1', cd("filename*=iso-8859-1''%E9vil.exe")],
  ['long name', cd(`filename="${'a'.repeat(5000)}.exe"`)],
  [
    '16 names',
    cd(
      Array.from({ length: 40 }, (_, n) => `filename=a${n}.txt`).join('; ') + '; filename=evil.exe',
    ),
  ],
  [
    '300 params',
    cd(Array.from({ length: 300 }, (_, n) => `x${n}=y`).join('; ') + '; filename=evil.exe'),
  ],
]

test.each(names)('a name that some reader takes for a program’s is one: %s', async (_, message) => {
  const verdict = await pluginUnderTest(attachments, {}).message(message)
  expect(verdict).toMatchObject({ verdict: 'reject' })
})

test.each([
  'filename="letter.txt"',
  "filename='it’s exempt.txt'",
  'filename="a.exe.txt"',
  'filename="notes: exe and com.txt"',
  'filename=a;b.txt',
  "filename*=utf-8''exe",
])('a name that no reader takes for a program’s is none: %s', async (name) => {
  const verdict = await pluginUnderTest(attachments, {}).message(cd(name))
  expect(verdict.verdict).toBe('pass')
})

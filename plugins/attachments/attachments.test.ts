import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from 'postern/plugin'
import { pluginUnderTest, type About } from 'postern/testkit'
import { attachments } from './attachments.ts'
import { matchesGlob } from './glob.ts'
import { parseRule } from './rules.ts'

const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(100)])
const lines = (...each: readonly string[]): string => each.join('\r\n')

interface Attached {
  readonly name?: string
  readonly type?: string
  readonly content?: Uint8Array | string
}

function mail(...all: readonly Attached[]): string {
  const parts = all.flatMap(({ name, type = 'application/octet-stream', content = 'x' }) => [
    '--b',
    `Content-Type: ${type}`,
    ...(name === undefined ? [] : [`Content-Disposition: attachment; filename="${name}"`]),
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(content).toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
  ])
  return lines('Subject: x', 'Content-Type: multipart/mixed; boundary=b', '', ...parts, '--b--', '')
}

interface Asked {
  readonly options?: JsonObject
  readonly files?: Readonly<Record<string, string>>
  readonly about?: About
}

const ask = async (message: string, { options = {}, files = {}, about = {} }: Asked = {}) =>
  pluginUnderTest(attachments, { options, files }).message(message, about)

/** Whether one rule holds, and of what. */
async function found(rule: string, message: string): Promise<string | undefined> {
  const { evidence } = await ask(message, { options: { rules: [`tag ${rule}`] } })
  const list = evidence?.['found']
  return Array.isArray(list) ? String(Object(list[0]).detail) : undefined
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Whose list of files is encrypted. */
const sevenZip = Buffer.concat([
  latin1('7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0'),
  latin1('\0'.repeat(8)),
  latin1(`\x06${'\0'.repeat(11)}`),
  latin1('\x17\x24\x06\xf1\x07\x01'),
])

const isoImage = Buffer.alloc(40_000)
isoImage.write('\x01CD001', 32_768, 'latin1')

/** A compound file (MS-CFB) with a stream as Office writes it where a document has a password. */
const lockedDocument = Buffer.alloc(1024)
lockedDocument.write('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'latin1')
lockedDocument.write('EncryptedPackage', 640, 'utf16le')
lockedDocument.writeUInt16LE(34, 704)

const zip = (files: Readonly<Record<string, Uint8Array>>): Buffer => Buffer.from(zipSync(files))

describe('a rule', () => {
  test.each<[string, Attached, string | undefined]>([
    ['name invoice*.doc', { name: 'Invoice-7.DOC' }, 'Invoice-7.DOC'],
    ['name invoice*.doc', { name: 'invoice.docx' }, undefined],
    ['extension exe .scr', { name: 'a.SCR' }, 'a.SCR'],
    ['extension exe', { name: 'a.exe. ' }, 'a.exe. '],
    ['extension exe', { name: 'a.txt' }, undefined],
    ['type image/*', { type: 'image/png; x=y' }, 'a part without a name (declared as image/png)'],
    ['content exe', { name: 'a.txt', content: program }, 'a.txt'],
    ['content application/zip', { name: 'a.bin', content: zip({ x: program }) }, 'a.bin'],
    ['content exe', { name: 'a.zip', content: zip({ 'x.txt': program }) }, 'a.zip > x.txt'],
    [
      'extension exe',
      { name: 'a.zip', content: zip({ 'dir/x.exe': program }) },
      'a.zip > dir/x.exe',
    ],
    ['name x.exe', { name: 'a.zip', content: zip({ 'dir/x.exe': program }) }, 'a.zip > dir/x.exe'],
    [
      'extension scr',
      { name: 'x.zip', content: zip({ 'a.scr\0.txt': program }) },
      'x.zip > a.scr\0.txt',
    ],
    [
      'extension scr',
      { name: 'x.zip', content: zip({ 'a.s\u200bcr': program }) },
      'x.zip > a.s\u200bcr',
    ],
    ['extension exe', { name: 'x.exe.gz', content: gzipSync(program) }, 'x.exe.gz > x.exe'],
    [
      `sha256 ${createHash('sha256').update(program).digest('hex')}`,
      { name: 'a', content: program },
      'a',
    ],
    [
      `sha256 ${createHash('sha256').update(program).digest('hex')}`,
      { name: 'a.zip', content: zip({ x: program }) },
      'a.zip > x',
    ],
    ['larger 1KB', { name: 'a', content: Buffer.alloc(1025) }, 'a'],
    ['larger 1KB', { name: 'a', content: Buffer.alloc(1024) }, undefined],
    ['double-extension', { name: 'invoice.pdf.exe' }, 'invoice.pdf.exe'],
    ['double-extension', { name: 'invoice.pdf     .scr' }, 'invoice.pdf     .scr'],
    ['double-extension', { name: 'v1.2.exe' }, undefined],
    [
      'class-id',
      { name: 'a.txt.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}' },
      'a.txt.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}',
    ],
    ['disguised', { name: 'photo.jpg', content: program }, 'photo.jpg'],
    ['disguised', { name: 'setup.exe', content: program }, undefined],
    ['archive-broken', { name: 'a.zip', content: 'PK\x03\x04 and nothing' }, 'a.zip: '],
    ['archive-unread', { name: 'a.rar', content: latin1('Rar!\x1a\x07\0') }, 'a.rar'],
    ['archive-unread', { name: 'a.zip', content: zip({ 'b.txt': sevenZip }) }, 'a.zip > b.txt'],
    ['archive-unread', { name: 'a.cab', content: latin1('MSCF\0\0\0\0\x40') }, 'a.cab'],
    ['archive-unread', { name: 'a.wim', content: latin1('MSWIM\0\0\0\xd0') }, 'a.wim'],
    ['archive-unread', { name: 'disk', content: isoImage }, 'disk'],
    ['archive-unread', { name: 'a.zip', content: zip({ x: program }) }, undefined],
    ['encrypted', { name: 'a.7z', content: sevenZip }, 'a.7z > an attachment'],
    ['encrypted', { name: 'a.docx', content: lockedDocument }, 'a.docx'],
    ['encrypted', { name: 'a.zip', content: zip({ 'b.xlsx': lockedDocument }) }, 'a.zip > b.xlsx'],
    [
      'archive-limit',
      { name: 'a.zip', content: zip({ x: Buffer.alloc(5_000_000) }) },
      'x is 5000000',
    ],
  ])('%s (%#)', async (rule, attached, detail) => {
    const answer = await found(rule, mail(attached))
    expect(detail === undefined ? answer : answer?.slice(0, detail.length)).toBe(detail)
  })

  test.each([
    ['drop extension exe', 'begins with drop, which is no outcome'],
    ['reject files exe', 'is about files; it may be about name, '],
    ['reject extension', 'does not say what fits extension'],
    ['reject encrypted zip', 'does not say what fits encrypted'],
    ['reject sha256 abc', 'does not say what fits sha256'],
    ['reject larger big', 'does not say what fits larger'],
  ])('%s is a mistake', async (rule, problem) => {
    expect(parseRule(rule)).toMatchObject({ problem: expect.stringContaining(problem) })
    await expect(ask('\r\n', { options: { rules: [rule] } })).rejects.toThrow(problem)
  })

  test('that finds a part without a name says so, and what it is beside what it is declared as', async () => {
    expect(await ask(mail({ type: 'application/pdf', content: program }))).toMatchObject({
      verdict: 'reject',
      text: expect.stringMatching(
        /accepted here: a part without a name \(declared as application\/pdf, begins like (?!application\/pdf)\S+\)$/,
      ),
    })
  })

  test('may add to the score, or do nothing but be counted', async () => {
    const message = mail({ name: 'a.exe' })
    expect(
      await ask(message, { options: { rules: ['2.5 extension exe', 'none name *'] } }),
    ).toMatchObject({ verdict: 'pass', score: 2.5 })
  })
})

describe('what is too large to be looked at', () => {
  const filler = 'x'.repeat(75) + '\r\n'
  const large = filler.repeat(140_000)

  test('is a limit where a file stands uuencoded in it', async () => {
    const file = 'begin 644 a.exe\r\n#86%T\r\n`\r\nend\r\n'
    expect(await found('archive-limit', `Subject: x\r\n\r\n${large}${file}`)).toContain(
      'uuencoded files in a text',
    )
    expect(await found('archive-limit', `Subject: x\r\n\r\n${large}`)).toBeUndefined()
  })

  test('is a limit in a message that is encoded', async () => {
    const encoded = Buffer.from(`Subject: x\r\n\r\n${large}`).toString('base64')
    const inner = encoded.replaceAll(/.{76}/g, '$&\r\n')
    const head = 'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    expect(await found('archive-limit', head + inner)).toContain('of an encoded message/rfc822')
  })
})

describe('the usual rules', () => {
  test('pass an ordinary message, and tell later plugins what is attached', async () => {
    const verdict = await ask(
      mail(
        { type: 'text/plain', content: 'Hello' },
        { name: 'a.pdf', type: 'application/pdf', content: '%PDF-1.7' },
      ),
    )
    expect(verdict).toEqual({
      verdict: 'pass',
      findings: [
        {
          name: 'attachments',
          value: [
            { names: ['a.pdf'], type: 'application/pdf', content: 'application/pdf', sizeBytes: 8 },
          ],
        },
      ],
    })
    expect(await ask('Subject: x\r\n\r\nHello')).toEqual({ verdict: 'pass' })
  })

  test('refuse programs, by whatever name', async () => {
    for (const attached of [
      { name: 'a.exe' },
      { name: 'invoice.url', content: '[InternetShortcut]\r\n' },
      { name: 'a.txt', content: program },
      { name: 'a.zip', content: zip({ 'a.js': program }) },
    ]) {
      expect(await ask(mail(attached))).toMatchObject({
        verdict: 'reject',
        status: '5.7.1',
        reason: 'ATTACHMENT',
      })
    }
  })

  test('answer with names that cannot break the reply', async () => {
    const verdict = await ask(mail({ name: 'a\tä.exe' }))
    expect(verdict).toMatchObject({ text: expect.stringMatching(/^[ -~]*a\?\?.*\.exe$/) })
  })

  test('mark what is encrypted, and hold bombs', async () => {
    const locked = zip({ 'a.txt': program })
    locked.writeUInt16LE(1, 6)
    locked.writeUInt16LE(1, locked.indexOf('PK\x01\x02', 0, 'latin1') + 8)
    expect(await ask(mail({ name: 'a.zip', content: locked }))).toMatchObject({
      verdict: 'pass',
      headerEdits: [{ name: 'X-Attachment-Policy', value: 'encrypted' }],
    })
    const bomb = zip({ x: Buffer.alloc(5_000_000) })
    expect(await ask(mail({ name: 'a.zip', content: bomb }))).toMatchObject({
      verdict: 'quarantine',
      reason: 'ARCHIVE_LIMIT',
    })
  })

  test('mark an archive that is not looked into, and one with a password', async () => {
    expect(await ask(mail({ name: 'a.7z', content: sevenZip }))).toMatchObject({
      verdict: 'pass',
      headerEdits: [{ name: 'X-Attachment-Policy', value: 'encrypted, archive-unread' }],
    })
  })

  test.each([
    [
      '100,000 parts',
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(100_000)}`,
    ],
    ['10,000 levels', 'Content-Type: message/rfc822\r\n\r\n'.repeat(10_000)],
    ['1 MB of header', `X: ${'a'.repeat(1_048_576)}\r\n\r\nx`],
  ])('refuse %s', async (_, message) => {
    expect(await ask(message)).toMatchObject({
      verdict: 'reject',
      status: '5.6.0',
      reason: 'MIME_LIMIT',
    })
  })
})

describe('what is hidden from some readers is found', () => {
  const base64 = program.toString('base64')
  const attachment = ['Content-Disposition: attachment; filename=a.exe', '', 'x']

  test.each<[string, string]>([
    [
      'behind a second boundary',
      lines(
        'Content-Type: multipart/mixed; boundary=a; boundary=b',
        '',
        '--a',
        '',
        'x',
        '--a--',
        '--b',
        ...attachment,
        '--b--',
      ),
    ],
    [
      'behind a second Content-Type',
      lines(
        'Content-Type: text/plain',
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        ...attachment,
        '--b--',
      ),
    ],
    [
      'behind a boundary by RFC 2231',
      lines(
        'Content-Type: multipart/mixed; boundary=a; boundary*0=b',
        '',
        '--b',
        ...attachment,
        '--b--',
      ),
    ],
    [
      'behind a prefix of a boundary',
      lines('Content-Type: multipart/mixed; boundary=b', '', '--bb', ...attachment, '--b--'),
    ],
    [
      'after the end',
      lines(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        '',
        'x',
        '--b--',
        '--b',
        ...attachment,
      ),
    ],
    [
      'behind bare line ends',
      lines(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        `--b\n\nx\n--b\n${attachment.join('\n')}`,
      ),
    ],
    [
      'behind a line that ends the header for some',
      lines(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        'Content-Type: text/plain',
        'junk',
        ...attachment,
        '--b--',
      ),
    ],
    [
      'by a name of RFC 2231',
      lines("Content-Disposition: attachment; filename=a.txt; filename*=''a.e%78e", '', 'x'),
    ],
    ['by a name of RFC 2047', lines('Content-Type: a/b; name="=?utf-8?Q?a=2Eexe?="', '', 'x')],
    [
      'by a second name',
      lines('Content-Disposition: attachment; filename=a.txt; filename=a.exe', '', 'x'),
    ],
    [
      'by a second Content-Disposition',
      lines(
        'Content-Disposition: inline',
        'Content-Disposition: attachment; filename=a.exe',
        '',
        'x',
      ),
    ],
    [
      'behind a second encoding',
      lines('Content-Transfer-Encoding: 7bit', 'Content-Transfer-Encoding: base64', '', base64),
    ],
    [
      'behind an encoding nobody knows',
      lines('Content-Transfer-Encoding: (x) base64 foo', '', base64),
    ],
    [
      'in an encoded message',
      lines(
        'Content-Type: message/rfc822',
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.from(lines(...attachment)).toString('base64'),
      ),
    ],
    [
      'in an encoded multipart',
      lines(
        'Content-Type: multipart/mixed; boundary=b',
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.from(lines('--b', ...attachment, '--b--')).toString('base64'),
      ),
    ],
    [
      'behind one of three boundaries',
      lines('Content-Type: multipart/mixed; boundary=a b (c)', '', '--a', ...attachment, '--a--'),
    ],
    [
      'behind a boundary in encoded words',
      lines(
        'Content-Type: multipart/mixed; boundary="=?utf-8?Q?b?="',
        '',
        '--b',
        ...attachment,
        '--b--',
      ),
    ],
    [
      'behind a Content-Type that is a word',
      lines('Content-Type: multipart; boundary=b', '', '--b', ...attachment, '--b--'),
    ],
    [
      'behind an encoding in encoded words',
      lines('Content-Transfer-Encoding: =?utf-8?B?YmFzZTY0?=', '', base64),
    ],
    [
      'behind an encoding with a fold in it',
      lines('Content-Transfer-Encoding: base', ' 64', '', base64),
    ],
    [
      'by a name with escapes',
      lines('Content-Disposition: attachment; filename="a\\.e\\xe"', '', 'x'),
    ],
    [
      'by a name with quotes in it',
      lines('Content-Disposition: attachment; filename=a.e"x"e', '', 'x'),
    ],
    [
      'by a name with hexadecimal digits',
      lines('Content-Disposition: attachment; filename="a%2Eexe"', '', 'x'),
    ],
    [
      'uuencoded by its header',
      'Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a.exe\r\n#86%T\r\n`\r\nend\r\n',
    ],
    ['uuencoded in a text', 'Subject: x\r\n\r\nHello\r\nbegin 644 a.exe\r\n#86%T\r\n`\r\nend\r\n'],
    [
      'uuencoded in a text that begins like a picture',
      'Subject: x\r\n\r\nGIF89a\r\nbegin 644 a.exe\r\n#86%T\r\n`\r\nend\r\n',
    ],
    [
      'in base64 with padding and dirt in it',
      lines('Content-Transfer-Encoding: base64', '', `TVo=\r\n!${base64.slice(4)}`),
    ],
  ])('%s', async (_, message) => {
    expect(await ask(message)).toMatchObject({ verdict: 'reject', reason: 'ATTACHMENT' })
  })

  test('a large message within an encoded part leaves others their turn', async () => {
    const inner = `Subject: x\r\n\r\n${'some text\r\n'.repeat(500_000)}`
    const encoded = Buffer.from(inner).toString('base64').replaceAll(/.{76}/g, '$&\r\n')
    const type = 'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    let turns = 0
    const count = (): void => {
      turns += 1
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    await ask(`${type}${encoded}`)
    clearImmediate(timer)
    expect(turns).toBeGreaterThan(inner.length / 300_000)
  })

  test('and the doubt is a finding of its own', async () => {
    const message = lines('Content-Type: text/plain', 'Content-Type: text/html', '', 'x')
    expect(await ask(message)).toMatchObject({
      verdict: 'pass',
      reason: 'MIME_AMBIGUOUS',
      findings: [{ name: 'mime-ambiguities', value: ['content-type'] }],
    })
    const rules = { options: { rules: ['reject ambiguous content-type'] } }
    expect(await ask(message, rules)).toMatchObject({ verdict: 'reject', status: '5.6.0' })
  })
})

describe('Qmail-Scanner’s events', () => {
  const files = {
    'control/quarantine-events.txt':
      'eicar.com\t69\tEICAR Test Virus\nILOVEYOU\tVirus-Subject:\tLove Letter\nmessage/partial.*\tVirus-Content-Type:\tPartial\n',
  }
  const options = { rules: [] }

  test('hold a file of that name and size, also in an archive', async () => {
    const content = Buffer.alloc(69)
    const held = { verdict: 'quarantine', reason: 'QUARANTINE_EVENT' }
    expect(await ask(mail({ name: 'EICAR.COM', content }), { files, options })).toMatchObject({
      ...held,
      evidence: { found: [{ detail: 'EICAR Test Virus (line 1): EICAR.COM' }] },
    })
    expect(
      await ask(mail({ name: 'a.zip', content: zip({ 'x/eicar.com': content }) }), {
        files,
        options,
      }),
    ).toMatchObject(held)
    expect(await ask(mail({ name: 'eicar.com', content: 'x' }), { files, options })).toMatchObject({
      verdict: 'pass',
    })
  })

  test('hold what a field says, in any part', async () => {
    expect(await ask('Subject: iloveyou\r\n\r\nx', { files, options })).toMatchObject({
      verdict: 'quarantine',
    })
    const partial = mail({ type: 'message/partial; id=x; number=1' })
    expect(
      await ask(partial, { files, options: { ...options, events_outcome: 'reject' } }),
    ).toMatchObject({ verdict: 'reject', text: 'The message is not accepted here: Partial' })
  })

  test('with a mistake are refused, by file and line', async () => {
    const wrong = { 'control/quarantine-events.txt': 'a\t0\tok\n(a\tVirus-Subject:\tb\n' }
    await expect(ask('\r\n', { files: wrong })).rejects.toThrow('control/quarantine-events.txt:2')
  })
})

describe('simscan’s files', () => {
  const options = { rules: [] }
  const about = { recipients: ['a@one.test', 'b@two.test'], reversePath: 'x@client.test' }

  test('ssattach holds for everybody', async () => {
    const files = { 'control/ssattach': '.MP3\n' }
    expect(await ask(mail({ name: 'song.mp3' }), { files, options, about })).toMatchObject({
      verdict: 'reject',
      text: 'Your email was rejected because it contains a bad attachment: song.mp3',
    })
    expect(await ask(mail({ name: 'song.txt' }), { files, options, about })).toMatchObject({
      verdict: 'pass',
    })
  })

  test('simcontrol holds for whom it names, each recipient for itself', async () => {
    const files = { 'control/simcontrol': 'one.test:attach=.mp3:.exe\ntwo.test:attach=.txt\n' }
    const asked = { files, options, about }
    expect(await ask(mail({ name: 'song.mp3' }), asked)).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [{ verdict: 'reject' }, { verdict: 'pass' }],
    })
    expect(await ask(mail({ name: 'a.doc' }), asked)).toMatchObject({ verdict: 'pass' })
  })

  test('its expressions are held against each line, each recipient’s own', async () => {
    const files = {
      'control/simcontrol': 'one.test:regex=^Subject\\. .*pills$:cheap [0-9]+\ntwo.test:clam=yes\n',
    }
    const filtered = 'Your email was rejected because it matches a filter (cheap [0-9]+)'
    const asked = { files, options, about }
    expect(await ask('Subject: x\r\n\r\nvery cheap 99\r\n', asked)).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [{ verdict: 'reject', text: filtered }, { verdict: 'pass' }],
    })
    for (const other of ['Subject: x\r\n\r\ncheap\r\n99\r\n', 'Subject: x\r\n\r\nCHEAP 99\r\n']) {
      expect(await ask(other, asked)).toMatchObject({ verdict: 'pass' })
    }
  })

  test('simcontrol for the sender holds for all, and who is in no line is not asked about', async () => {
    const files = {
      'control/simcontrol': 'client.test:attach=.mp3\n',
      'control/ssattach': '.txt\n',
    }
    expect(await ask(mail({ name: 'song.mp3' }), { files, options, about })).toMatchObject({
      verdict: 'reject',
    })
    const stranger = { ...about, reversePath: 'x@other.test' }
    expect(await ask(mail({ name: 'a.txt' }), { files, options, about: stranger })).toMatchObject({
      verdict: 'pass',
    })
  })
})

describe('a pattern', () => {
  test.each([
    ['*', '', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abcd', false],
    ['?b', 'AB', true],
    ['', 'a', false],
    ['*.exe*', 'x.EXE.txt', true],
  ])('%s and %s: %s', (pattern, text, matches) => {
    expect(matchesGlob(pattern, text)).toBe(matches)
  })

  test('matches as the expression it stands for', () => {
    const texts = fc
      .array(fc.constantFrom('a', 'b', '.'), { maxLength: 12 })
      .map((all) => all.join(''))
    const patterns = fc
      .array(fc.constantFrom('a', 'b', '.', '*', '?'), { maxLength: 6 })
      .map((all) => all.join(''))
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const expression = new RegExp(
          `^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`,
        )
        expect(matchesGlob(pattern, text)).toBe(expression.test(text))
      }),
    )
  })
})

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { readAtBytes } from '../formats/cdb.ts'
import { openCdb } from '../formats/cdb-reader.ts'
import { authText, collectAuth, writeAuthCdb } from './make-auth.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-mkauth-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (path: string, text: string): string => {
  const file = join(folder, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  return file
}
const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
const input = () => Readable.from([Buffer.from(`zoe ${md5},A="1"\n`)])

test('accounts of this host are there twice, users of vpopmail with their domain, lines as they stand', async () => {
  const shadow = write('shadow', `root:*:1::\nalice:${md5}:19000:0:99999:7:::\nempty::1:\n`)
  write('vpopmail/domains/example.org/vpasswd', `bob:${md5}:1:0:Bob:/home/bob:NOQUOTA:secret\n`)
  write('vpopmail/domains/A/example.net/vpasswd', `carol:${md5}:1:0:\n`)
  write('vpopmail/domains/example.com/other', '')
  const { entries, doubts } = await collectAuth({
    texts: [write('more', `# more\ndave ${md5}\neve secret\n`), '-'],
    input: input(),
    shadow,
    vpopmail: join(folder, 'vpopmail'),
    me: 'mx.test',
  })
  expect(authText(entries).trimEnd().split('\n')).toEqual([
    `dave ${md5}`,
    'eve secret',
    `zoe ${md5},A="1"`,
    'root *',
    'root@mx.test *',
    `alice ${md5}`,
    `alice@mx.test ${md5}`,
    `carol@example.net ${md5}`,
    `bob@example.org ${md5}`,
  ])
  expect(doubts).toEqual([
    `${join(folder, 'more')}:3: eve ***: this is no password hash: make a new one`,
  ])
})

test('auth.cdb takes the place of the one before', async () => {
  const path = write('auth.cdb', 'old')
  const { entries } = await collectAuth({ texts: ['-'], input: input(), me: '' })
  await writeAuthCdb(path, entries)
  const cdb = openCdb(readAtBytes(readFileSync(path)))
  expect(Buffer.from(cdb.get('zoe') ?? []).toString()).toBe(`${md5},A="1"`)
})

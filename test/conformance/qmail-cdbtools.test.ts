/**
 * What the real qmail-newu, qmail-newmrh and qmail-pw2u made of 16 files: bytes, words on stderr, exit codes. The host had
 * /home/alice, which belongs to 8001; nothing else.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { getopt } from '../../src/formats/getopt.ts'
import { passwdToAssign } from '../../src/formats/users/passwd-to-assign.ts'
import { newmrh, newu } from '../../src/tools/qmail/make-cdbs.ts'
import { pw2uOptions } from '../../src/tools/qmail/pw2u.ts'

interface Vectors {
  readonly newu: readonly {
    readonly assign: string
    readonly rc: number
    readonly err: string
    readonly cdb_b64: string | null
  }[]
  readonly newmrh: readonly {
    readonly morercpthosts: string
    readonly rc: number
    readonly cdb_b64: string
  }[]
  readonly pw2u: readonly {
    readonly args: readonly string[]
    readonly passwd: string
    readonly rc: number
    readonly out: string
    readonly err: string
  }[]
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../fixtures/qmail/qmail-cdbtools.json', import.meta.url), 'utf8'),
)

function folderWith(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-cdbs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, name, '..'))
  writeFileSync(join(folder, name), text, 'latin1')
  return folder
}

test('there are 16 vectors', () => {
  expect(vectors.newu.length + vectors.newmrh.length + vectors.pw2u.length).toBe(16)
})

describe('postern newu', () => {
  test.each(vectors.newu.map((vector) => [vector.assign, vector] as const))('%j', (_, vector) => {
    const folder = folderWith('users/assign', vector.assign)
    expect(newu(folder)).toEqual({ exit: vector.rc, out: '', err: vector.err })
    const cdb = join(folder, 'users/cdb')
    expect(existsSync(cdb) ? readFileSync(cdb).toString('base64') : null).toBe(vector.cdb_b64)
  })

  test('says that there is no users/assign', () => {
    const folder = folderWith('users/append', '')
    const err = 'qmail-newu: fatal: unable to open users/assign\n'
    expect(newu(folder)).toEqual({ exit: 111, out: '', err })
  })

  test('leaves the old cdb where the file has a mistake', () => {
    const folder = folderWith('users/assign', '+:alias:1:2:/a:-::\n.\n')
    newu(folder)
    const before = readFileSync(join(folder, 'users/cdb'))
    writeFileSync(join(folder, 'users/assign'), '=half')
    expect(newu(folder)).toMatchObject({ exit: 111 })
    expect(readFileSync(join(folder, 'users/cdb')).equals(before)).toBe(true)
  })
})

describe('postern newmrh', () => {
  test.each(vectors.newmrh.map((vector) => [vector.morercpthosts, vector] as const))(
    '%j',
    (_, vector) => {
      const folder = folderWith('control/morercpthosts', vector.morercpthosts)
      expect(newmrh(folder)).toEqual({ exit: vector.rc, out: '', err: '' })
      const cdb = readFileSync(join(folder, 'control/morercpthosts.cdb'))
      expect(cdb.toString('base64')).toBe(vector.cdb_b64)
    },
  )

  test('says that there is no control/morercpthosts', () => {
    const folder = folderWith('control/me', 'x')
    const err = 'qmail-newmrh: fatal: unable to read control/morercpthosts: file does not exist\n'
    expect(newmrh(folder)).toEqual({ exit: 111, out: '', err })
  })
})

describe('postern pw2u', () => {
  const none = {
    include: undefined,
    exclude: undefined,
    mailnames: undefined,
    subusers: undefined,
    append: undefined,
  }
  const owners = new Map([
    ['/home/alice', 8001],
    ['/home/joe', 5],
    ['/var/qmail/alias', 7790],
    ['/tmp', 0],
  ])
  const ownerOf = async (home: string) => owners.get(home) ?? 'missing'

  test.each(vectors.pw2u.map((vector) => [vector.args.join(' '), vector] as const))(
    'with %j',
    async (_, { args, passwd, rc, out, err }) => {
      const { text, trouble } = await passwdToAssign({
        passwd: Buffer.from(passwd, 'latin1'),
        files: none,
        options: pw2uOptions(getopt(args, '/ohHuUc:C').options),
        // There the home of alias was nobody's.
        ownerOf: async (home) => (home === '/home/alice' ? 8001 : 'missing'),
      })
      expect(text).toBe(out)
      expect(trouble === undefined ? '' : `qmail-pw2u: fatal: ${trouble}\n`).toBe(err)
      expect(trouble === undefined ? 0 : 111).toBe(rc)
    },
  )

  test('follows include, exclude, mailnames, subusers and append', async () => {
    const passwd =
      'alias:x:7790:2108::/var/qmail/alias:/bin/true\nalice:x:8001:8001::/home/alice:\n' +
      'joe:x:5:5::/home/joe:/bin/sh\nbob:x:6:6::/home/bob:\n'
    const { text, trouble } = await passwdToAssign({
      passwd: Buffer.from(passwd),
      files: {
        include: Buffer.from('# who\nalias\nALICE \njoe\n'),
        exclude: Buffer.from('joe\n'),
        mailnames: Buffer.from('alice:alice.a::al\n'),
        subusers: Buffer.from('sales:alice:shop:\n'),
        append: Buffer.from('+x-:joe:5:5:/home/joe:-:x-:\n'),
      },
      options: pw2uOptions([]),
      ownerOf,
    })
    expect(trouble).toBeUndefined()
    expect(text.split('\n')).toEqual([
      '+:alias:7790:2108:/var/qmail/alias:-::',
      '=alias:alias:7790:2108:/var/qmail/alias:::',
      '+alias-:alias:7790:2108:/var/qmail/alias:-::',
      '=alice.a:alice:8001:8001:/home/alice:::',
      '+alice.a-:alice:8001:8001:/home/alice:-::',
      '=al:alice:8001:8001:/home/alice:::',
      '+al-:alice:8001:8001:/home/alice:-::',
      '=sales:alice:8001:8001:/home/alice:-:shop:',
      '+sales-:alice:8001:8001:/home/alice:-:shop-:',
      '+x-:joe:5:5:/home/joe:-:x-:',
      '.',
      '',
    ])
  })

  test('takes no subuser of a user whom it does not know', async () => {
    const { trouble } = await passwdToAssign({
      passwd: Buffer.from('alias:x:7790:2108::/var/qmail/alias:/bin/true\n'),
      files: { ...none, subusers: Buffer.from('sales:alice:shop:\n') },
      options: pw2uOptions([]),
      ownerOf,
    })
    expect(trouble).toBe('unable to find alice user for subuser')
  })
})

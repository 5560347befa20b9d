import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authRecordRemedy, parseAuthLines, readAuthRecord } from './auth-cdb.ts'

const read = (text: string) => readAuthRecord(Buffer.from(text))
const md5 = '$1$abcdefgh$qpMmn7GbKJvZCGmRMyzvT0'

describe('a value of auth.cdb', () => {
  test.each([
    [md5, md5, {}],
    [`${md5},A="1",B_2="two words, and a comma"`, md5, { A: '1', B_2: 'two words, and a comma' }],
    [`${md5},A=/b"c/,D="e"`, md5, { A: 'b"c', D: 'e' }],
    [`${md5},A="1",2B="x",C="3"`, md5, { A: '1' }],
    [`${md5},A="1"B="2"`, md5, { A: '1' }],
    ['$md5,rounds=904$salt$$hash,A="1"', '$md5,rounds=904$salt$$hash', { A: '1' }],
    [`${md5},A="never ends`, md5, {}],
    [`${md5},A=`, md5, {}],
    [`${md5},`, md5, {}],
    ['*', '*', {}],
    ['', '', {}],
    [',A="1"', '', { A: '1' }],
    [
      '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc,A="1"',
      '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
      { A: '1' },
    ],
  ])('%s', (text, hash, variables) => {
    expect(read(text)).toEqual({ hash, variables: new Map(Object.entries(variables)) })
  })

  test('says when the password expires, and that is no variable', () => {
    expect(read(`${md5},PASSWORD_EXPIRES="1700000000",A="1"`)).toEqual({
      hash: md5,
      variables: new Map([['A', '1']]),
      expiresAt: 1_700_000_000,
    })
    expect(read(`${md5},PASSWORD_EXPIRES="soon"`).expiresAt).toBeNaN()
    expect(authRecordRemedy(read(`${md5},PASSWORD_EXPIRES="soon"`))).toMatch(/seconds/)
  })

  test('is read whatever stands in it', () => {
    const piece = fc.constantFrom(',', '=', '"', '/', 'A', '$argon2id$v=19$m=1,t=1,p=1$', md5, 'é')
    const text = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (value) => {
        const { hash, variables } = read(value)
        expect(value.startsWith(hash)).toBe(true)
        for (const name of variables.keys()) expect(name).toMatch(/^[A-Za-z_]\w*$/)
      }),
    )
  })
})

test('lines of users and values are read, and those that let nobody in are told', () => {
  const text = [
    '# users',
    '',
    `alice ${md5},A="a b"`,
    `bob@example.org\t${md5}`,
    'carol *',
    'dave secret',
    'eve',
    'frank $gy$j9T$abcdefgh$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2',
    'grace $6$rounds=999999999$salt$' + 'a'.repeat(86),
  ].join('\n')
  const { entries, mistakes } = parseAuthLines(text)
  expect(entries.map((pair) => pair.map(String).join(' '))).toEqual([
    `alice ${md5},A="a b"`,
    `bob@example.org ${md5}`,
    'carol *',
    'dave secret',
    expect.stringMatching(/^frank /),
    expect.stringMatching(/^grace /),
  ])
  expect(mistakes).toEqual([
    { line: 6, text: 'dave ***', remedy: 'this is no password hash: make a new one' },
    { line: 7, text: '*** ***', remedy: 'write the user, a blank and the password hash' },
    { line: 8, text: 'frank ***', remedy: expect.stringContaining('cannot be computed') },
    { line: 9, text: 'grace ***', remedy: expect.stringContaining('takes too long') },
  ])
})

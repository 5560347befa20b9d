import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfCryptBase64, cryptBase64 } from './crypt-base64.ts'
import { argon2idHash, isPasswordOfHash } from './crypt-hash.ts'
import { readCryptHash } from './read-crypt-hash.ts'

const fits = (password: string, hash: string): boolean =>
  isPasswordOfHash(Buffer.from(password), hash)

/** Of `pass wörd`, as libxcrypt computes them. */
const hashes = [
  'abZKnLUO6M512',
  '$1$abcdefgh$qpMmn7GbKJvZCGmRMyzvT0',
  '$5$rounds=1000$saltsalt$WBRCa.U4pPDAlopas60QsXuwz3Or7IngNrVtrBGvxTC',
  '$6$rounds=1000$saltsalt$COk9WGwRxFX7iGffLTT4mtAqyxAFq9jLIAKSnAy8z8ABbwQo/QEzLr9QGE7cf8xjoUIaR0Gilt8GNDTD33y4i1',
  '$2a$04$abcdefghijklmnopqrstuubAecMWGbmQxiv.1AEZk7PUTbAqyEGMO',
  '$2b$04$abcdefghijklmnopqrstuubAecMWGbmQxiv.1AEZk7PUTbAqyEGMO',
  '$2y$04$abcdefghijklmnopqrstuubAecMWGbmQxiv.1AEZk7PUTbAqyEGMO',
  '$y$j75$saltsalt$hsVO2eSTRxL.zauzwGjf.7/iOI2UPCD2v6eBQ3mzFL.',
  '$7$76..../....salt$/SNOkk3nVuGRSP1FiYql3c8lxudlemhjoPBEwr9kiL3',
]

describe.each(hashes)('%s', (hash) => {
  test('is that of its password, and of no other', () => {
    expect(fits('pass wörd', hash)).toBe(true)
    for (const other of ['', 'pass', 'Pass wörd', 'pass word']) {
      expect(fits(other, hash)).toBe(false)
    }
  })

  test('is nobody’s once a character is gone or another', () => {
    expect(fits('pass wörd', hash.slice(0, -1))).toBe(false)
    expect(fits('pass wörd', `${hash}x`)).toBe(false)
    const last = hash.at(-3) === 'x' ? 'y' : 'x'
    expect(fits('pass wörd', `${hash.slice(0, -3)}${last}${hash.slice(-2)}`)).toBe(false)
  })
})

/** The example of Ulrich Drepper's specification, and that of the Argon2 reference implementation. */
test.each([
  ['Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
  [
    'Hello world!',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  [
    'password',
    '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA',
  ],
  [
    'password',
    '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
  ],
])('%s is the password of the published %s', (password, hash) => {
  expect(fits(password, hash)).toBe(true)
  expect(fits(`${password}x`, hash)).toBe(false)
})

test('a hash as Debian makes it by default is that of its password', () => {
  const hash = '$y$j9T$saltsaltsaltsalt$N4Cb0bQhZAsCEI0/q.rJZRvzZKJFRnIrSNF525b6.G1'
  expect(fits('pass wörd', hash)).toBe(true)
})

test('a hash of ours is Argon2id, and that of its password', () => {
  const hash = argon2idHash(Buffer.from('pass wörd'), Buffer.from('sixteen bytes 16'))
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(fits('pass wörd', hash)).toBe(true)
  expect(fits('pass word', hash)).toBe(false)
})

describe('what is no hash is told apart, and nobody’s', () => {
  test.each([
    ['*', 'locked'],
    ['!!', 'locked'],
    ['!$6$saltsalt$x', 'locked'],
    ['', 'malformed'],
    ['secret', 'malformed'],
    ['abZKnLUO6M51', 'malformed'],
    ['$', 'malformed'],
    ['$6$saltsalt$short', 'malformed'],
    ['$4$saltsalt$', 'malformed'],
    [`$6$rounds=999$salt$${'a'.repeat(86)}`, 'malformed'],
    [`$6$rounds=05000$salt$${'a'.repeat(86)}`, 'malformed'],
    [`$2b$32$${'a'.repeat(53)}`, 'malformed'],
    [`$2x$05$${'a'.repeat(53)}`, 'unsupported'],
    ['$gy$j9T$abcdefgh$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2', 'unsupported'],
    ['$y$i9T$abcdefgh$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2', 'unsupported'],
    ['$y$j9T1.$abcdefgh$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2', 'unsupported'],
    ['$y$j9$abcdefgh$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2', 'malformed'],
    ['$y$j9T.zzzzzz$salt$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2', 'malformed'],
    ['$y$j9T..$abcde$7i/136rkrCoteXCYVMmke8IbBDFEZdMzaNTpkj.7sJ2', 'malformed'],
    ['_J9..rasmBYk8r9AiWNc', 'unsupported'],
    ['$md5,rounds=904$iPPKEBnEkp3JV8uX$0m6m9vn6vtvWoDBSpVxIc.', 'unsupported'],
    [
      '$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY',
      'unsupported',
    ],
    ['$argon2id$v=19$m=0,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur', 'malformed'],
    [`$7$../..../....salt$${'a'.repeat(43)}`, 'malformed'],
  ])('%s is %s', (hash, problem) => {
    expect(readCryptHash(hash)).toEqual({ ok: false, problem })
    expect(fits('secret', hash)).toBe(false)
  })
})

describe('a hash that would hold up every login is refused at once', () => {
  test.each([
    `$6$rounds=999999999$salt$${'a'.repeat(86)}`,
    `$2b$31$${'a'.repeat(53)}`,
    `$y$jFT$salt$${'a'.repeat(43)}`,
    `$y$j9T/yzzzz$salt$${'a'.repeat(43)}`,
    `$7$z/..../....salt$${'a'.repeat(43)}`,
    `$7$1zzzzzzzzzzsalt$${'a'.repeat(43)}`,
    `$7$4/....zzz..salt$${'a'.repeat(43)}`,
    '$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
    '$argon2id$v=19$m=65536,t=4294967295,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
  ])('%s', (hash) => {
    expect(readCryptHash(hash)).toEqual({ ok: false, problem: 'too-costly' })
    expect(fits('secret', hash)).toBe(false)
  })
})

test('a password with a NUL, or longer than any, is nobody’s', () => {
  const [hash = ''] = hashes
  expect(isPasswordOfHash(Buffer.from('pass wörd\0'), hash)).toBe(false)
  expect(isPasswordOfHash(Buffer.alloc(10_000, 'a'), hash)).toBe(false)
})

test('bytes that are no UTF-8 make a password too, where the hash is of bytes', () => {
  // perl -e 'print crypt("\xff\xfe", "\$1\$s\$")'
  expect(isPasswordOfHash(Uint8Array.of(0xff, 0xfe), '$1$s$mu10xspa2we1mlNckbIaT.')).toBe(true)
  expect(isPasswordOfHash(Uint8Array.of(0xff, 0xfe), hashes[4] ?? '')).toBe(false)
})

describe('whatever stands in place of a hash', () => {
  const piece = fc.constantFrom(
    '$',
    '1',
    '5',
    '6',
    '7',
    '2b',
    'argon2id',
    'v=19',
    'm=8,t=1,p=1',
    'rounds=1000',
    ',',
    '.',
    'a'.repeat(43),
    'é',
    '\0',
  )
  const text = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
  )

  test('is read without an error, and nobody logs in by chance', () => {
    fc.assert(
      fc.property(text, fc.uint8Array({ maxLength: 80 }), (hash, password) => {
        expect(isPasswordOfHash(password, hash)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

test('base 64 of crypt gives back every text of bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(bytesOfCryptBase64(cryptBase64(bytes))).toEqual(bytes)
    }),
  )
  expect(bytesOfCryptBase64('!abc')).toBeUndefined()
})

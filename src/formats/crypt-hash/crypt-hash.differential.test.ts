/** Our hashes against those of the system's crypt(3), by way of Perl; skipped where there is none. */
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { component, isMissing } from '../../../test/setup/components.ts'
import { isPasswordOfHash } from './crypt-hash.ts'

const perl = component('perl')?.path ?? ''

/** @returns what crypt(3) makes of each pair; undefined for settings that it does not know */
function crypt(pairs: readonly (readonly [password: Buffer, setting: string])[]) {
  const script = `while (<STDIN>) { chomp; my ($password, $setting) = split / /;
    my $hash = crypt(pack('H*', substr($password, 1)), $setting);
    print defined $hash && $hash !~ /^\\*/ ? $hash : '', "\\n" }`
  const input = pairs.map(([password, setting]) => `x${password.toString('hex')} ${setting}\n`)
  const run = spawnSync(perl, ['-e', script], { input: input.join(''), encoding: 'utf8' })
  return run.stdout.split('\n').slice(0, pairs.length)
}

const letters = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const word = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...letters.split('')), minLength, maxLength })
/** Memory and block alone, with several lanes, with more time, and with both. */
const yescryptCosts = [
  'j/.',
  'j1/',
  'j5.',
  'j43',
  'j75..',
  'j75/.',
  'j75/0',
  'j5...',
  'j4/.0',
  'j5/0./',
]
const settings: Readonly<Record<string, fc.Arbitrary<string>>> = {
  DES: word(2, 2),
  MD5: word(0, 8).map((salt) => `$1$${salt}$`),
  'SHA-256': fc
    .tuple(fc.integer({ min: 1000, max: 1100 }), word(1, 16))
    .map(([rounds, salt]) => `$5$rounds=${rounds}$${salt}$`),
  'SHA-512': fc
    .tuple(fc.integer({ min: 1000, max: 1100 }), word(1, 16))
    .map(([rounds, salt]) => `$6$rounds=${rounds}$${salt}$`),
  bcrypt: fc
    .tuple(fc.constantFrom('a', 'b', 'y'), word(21, 21))
    .map(([variant, salt]) => `$2${variant}$04$${salt}.`),
  yescrypt: fc
    .tuple(fc.constantFrom(...yescryptCosts), word(0, 2))
    .map(([cost, salt]) => `$y$${cost}$${salt.padEnd(4, '.')}$`),
  scrypt: word(1, 20).map((salt) => `$7$4/..../....${salt}$`),
}
const password = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.integer({ min: 1, max: 140 }).map((length) => 'x'.repeat(length)),
)

describe.skipIf(isMissing('perl'))('crypt(3)', () => {
  test.each(Object.keys(settings))('and we agree about %s', (kind) => {
    const made = fc.sample(fc.tuple(password, settings[kind] ?? word(2, 2)), {
      numRuns: 40,
      seed: 1,
    })
    const pairs = made
      .map(([text, setting]) => [Buffer.from(text), setting] as const)
      .filter(([bytes]) => !bytes.includes(0))
    const computed = crypt(pairs)
    expect(computed.filter((hash) => hash !== '').length).toBeGreaterThan(30)
    for (const [index, hash] of computed.entries()) {
      const [bytes = Buffer.alloc(0)] = pairs[index] ?? []
      if (hash === '') continue
      expect([hash, isPasswordOfHash(bytes, hash)]).toEqual([hash, true])
      expect(isPasswordOfHash(Buffer.concat([Buffer.from('~'), bytes]), hash)).toBe(false)
    }
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authservId, claimsToBe } from './authentication-results.ts'

describe('the author of an Authentication-Results field', () => {
  // The values of RFC 8601 appendix B, and what else its grammar allows.
  test.each([
    [' example.org 1; none', 'example.org'],
    [' example.com;\r\n               spf=pass smtp.mailfrom=example.net', 'example.com'],
    ['example.com; dkim=pass', 'example.com'],
    [
      ' foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 = fail',
      'foo.example.net',
    ],
    ['\r\n\t(a comment)\r\n example.org;', 'example.org'],
    [' (nested (deeper \\) still) outer) example.org', 'example.org'],
    [' "example.org"; spf=pass', 'example.org'],
    [' "exa\\mple.\r\n org"', 'example. org'],
    [' example.org(comment); none', 'example.org'],
    [' example.org/1; none', 'example.org'],
    [' EXAMPLE.org. ; none', 'EXAMPLE.org.'],
    [' spf=pass (no author at all)', 'spf'],
    ['', undefined],
    [' ; spf=pass', undefined],
    [' (never closed example.org', undefined],
    [' "never closed', undefined],
  ])('of %j is %j', (value, author) => {
    expect(authservId(value)).toBe(author)
  })

  test.each([
    ['mx.test', ' mx.test; spf=pass', true],
    ['mx.test', ' MX.Test 1; spf=pass', true],
    ['mx.test', ' mx.test.; spf=pass', true],
    ['mx.test', ' (not (us)) \r\n\t"mx.test" 1;', true],
    ['mx.test', ' ; spf=pass', true],
    ['mx.test', ' amx.test; spf=pass', false],
    ['mx.test', ' mx.test.example; spf=pass', false],
    ['mx.test', ' (mx.test) other.test; spf=pass', false],
    ['xn--bcher-kva.test', ' b\u00fccher.test; spf=pass', true],
    ['b\u00fccher.test', ' XN--BCHER-KVA.test; spf=pass', true],
    ['mx.test', ' \uff4d\uff58.test; spf=pass', true],
  ])('that is compared with %s in %j', (hostname, value, ours) => {
    expect(claimsToBe(hostname, value)).toBe(ours)
  })

  test('is found behind any comments and folds, in any case', () => {
    const blank = fc.constantFrom(' ', '\t', '\r\n ', '(c)', '((x) \\( y)', '( mx.test )')
    const cased = fc.mixedCase(fc.constant('mx.test'))
    const closing = fc.constantFrom(';', ' ;', ' 1;', '\r\n 1 ; none', '(c);', '')
    fc.assert(
      fc.property(
        fc.array(blank, { maxLength: 6 }),
        cased,
        fc.boolean(),
        closing,
        (blanks, name, quoted, end) => {
          expect(
            claimsToBe('mx.test', `${blanks.join('')}${quoted ? `"${name}"` : name}${end}`),
          ).toBe(true)
        },
      ),
    )
  })

  test('is read in one go, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        claimsToBe('mx.test', text)
      }),
    )
    expect(authservId(`${'('.repeat(100_000)}mx.test`)).toBeUndefined()
    expect(authservId(`${'()'.repeat(100_000)}mx.test`)).toBe('mx.test')
  })
})

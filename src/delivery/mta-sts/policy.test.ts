import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isStsExchanger, parseStsPolicy, stsId } from './policy.ts'

describe('the TXT record', () => {
  test.each([
    [['v=STSv1; id=20160831085700Z;'], '20160831085700Z'],
    [['v=STSv1;id=1', 'v=spf1 -all'], '1'],
    [['v=STSv1; id=1', 'v=STSv1; id=2'], undefined],
    [['v=STSv2; id=1'], undefined],
    [['v=STSv1; id=not-valid'], undefined],
    [['v=STSv1;'], undefined],
    [[], undefined],
  ])('%j has the id %s', (records, id) => {
    expect(stsId(records)).toBe(id)
  })
})

/** The example of RFC 8461 §3.2. */
const example = `version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
mx: backupmx.example.com
max_age: 604800
`

describe('a policy', () => {
  test('of RFC 8461 is read, with either line end', () => {
    const policy = {
      mode: 'enforce',
      mx: ['mail.example.com', '*.example.net', 'backupmx.example.com'],
      maxAgeSeconds: 604_800,
    }
    expect(parseStsPolicy(example)).toEqual(policy)
    expect(parseStsPolicy(example.replaceAll('\n', '\r\n'))).toEqual(policy)
  })

  test.each([
    ['without a version', example.replace('version: STSv1\n', '')],
    ['without a mode', example.replace('enforce', 'maybe')],
    ['without an age', example.replace('max_age: 604800', '')],
    ['without hosts', example.replaceAll(/mx: .*\n/g, '')],
    ['with a host that is none', example.replace('mail.example.com', 'mail_!')],
    ['that is a web page', '<html>version: STSv1</html>'],
  ])('%s is none', (_, text) => {
    expect(parseStsPolicy(text)).toBeUndefined()
  })

  test('of mode none needs no hosts, and an age has a bound', () => {
    expect(parseStsPolicy('version: STSv1\nmode: none\nmax_age: 9999999999')).toEqual({
      mode: 'none',
      mx: [],
      maxAgeSeconds: 31_557_600,
    })
  })

  test.each([
    ['mail.example.com', true],
    ['MAIL.example.com.', true],
    ['a.example.net', true],
    ['a.b.example.net', false],
    ['example.net', false],
    ['other.example.com', false],
  ])('names %s: %s', (host, named) => {
    expect(isStsExchanger(parseStsPolicy(example)!, host)).toBe(named)
  })

  test('is read from any text without a throw', () => {
    const nearly = fc.stringMatching(
      /^(version: STSv1\n)?(mode: \w{0,8}\n|mx: [*.a-z]{0,9}\n|max_age: \d{0,12}\n){0,6}$/,
    )
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        const age = parseStsPolicy(text)?.maxAgeSeconds ?? 0
        expect(age).toBeLessThanOrEqual(31_557_600)
      }),
    )
  })
})

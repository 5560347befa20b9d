/** Expected values are what fastforward 0.51 and dot-forward 0.71 made. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CdbEntry } from '../cdb.ts'
import { latin1 } from '../octets.ts'
import { aliasRecords } from './aliases.ts'
import { forwardRecords, printForward } from './forward-text.ts'
import { includeList } from './include-list.ts'
import { listedRecipients } from './listed-recipients.ts'

const qualifiers = { defaultHost: 'h.test', defaultDomain: 'd.test', plusDomain: 'p.test' }

function shown(reading: { readonly records: readonly CdbEntry[] } | { readonly trouble: string }) {
  if ('trouble' in reading) return reading.trouble
  return reading.records.map(
    ([key, value]) => `${latin1(key)} -> ${latin1(value).replaceAll('\0', '|')}`,
  )
}
const forward = (text: string) => shown(forwardRecords(Buffer.from(text, 'latin1')))
const aliases = (text: string) => shown(aliasRecords(Buffer.from(text, 'latin1'), qualifiers))

describe('setforward', () => {
  test('compiles commands, and the owner apart', () => {
    expect(forward('root: &joe, &dave@other.org;')).toEqual([':root -> &joe|&dave@other.org|'])
    expect(forward('LIST@H: ?own@h, &x@y, &x@y, z@w;')).toEqual([
      '?list@h -> own@h',
      ':list@h -> &x@y|&x@y|&z@w|',
    ])
  })

  test('drops blanks, but for those with a backslash', () => {
    expect(forward('a: |echo hi;\nb: |echo\\ hi, /l.bin; # no: more;\n')).toEqual([
      ':a -> |echohi|',
      ':b -> |echo hi|/l.bin|',
    ])
  })

  test.each([
    ['a: b', 'final instruction must end with semicolon'],
    ['a', 'final instruction must end with semicolon'],
    ['a: b: c;', 'double colons are not permitted'],
    ['a, b: c;', 'commas are not permitted before colons'],
    ['a: b\0;', 'NUL bytes are not permitted'],
    [`a: ${'x'.repeat(801)};`, 'addresses over 800 bytes are not permitted'],
  ])('refuses %j', (text, trouble) => {
    expect(forward(text)).toBe(trouble)
  })

  test('is undone by printforward, whatever the names', () => {
    const word = fc.string({
      minLength: 1,
      maxLength: 6,
      unit: fc.constantFrom('a', ' ', '\\', ',', ';', ':', '#', '\n', 'é'),
    })
    const records = fc.array(
      fc.tuple(
        word,
        fc.array(
          word.map((each) => `&${each}`),
          { minLength: 1, maxLength: 3 },
        ),
      ),
    )
    fc.assert(
      fc.property(records, (lists) => {
        const entries = lists.map(([name, commands]): CdbEntry => [
          Buffer.from(`:${name}`, 'latin1'),
          Buffer.from(commands.map((each) => `${each}\0`).join(''), 'latin1'),
        ])
        const text = printForward(entries) ?? ''
        expect(forward(text)).toEqual(shown({ records: entries }))
      }),
    )
    expect(printForward([[Buffer.from('x'), Buffer.from('y')]])).toBeUndefined()
    expect(printForward([[Buffer.from(':root'), Buffer.from('&joe\0|a b\0')]])).toBe(
      'root:\n, &joe\n, |a\\ b\n;\n',
    )
  })
})

describe('newaliases', () => {
  test('compiles what sendmail has in /etc/aliases', () => {
    const text = [
      '# comment',
      ' that goes on',
      'a: b',
      'c: |prog x, "|prog y"',
      '@d: e',
      'list: :include:/l',
      'owner-list: o@p',
      'Long: one@x.test,',
      '  two+,',
      '\tThree <three@x.test>',
      'last: end',
    ].join('\n')
    expect(aliases(text)).toEqual([
      ':a@ -> &b@h.test|',
      ':c@ -> !prog y|!prog|&x@h.test|',
      ':@d -> &e@h.test|',
      ':list@ -> /l.bin|',
      '?list@ -> owner-list@h.test',
      ':owner-list@ -> &o@p.d.test|',
      ':long@ -> &three@x.test|&two+@h.test|&one@x.test|',
      ':last@ -> &end@h.test|',
    ])
  })

  test.each([
    ['a: /var/mail/a', 'file delivery /var/mail/a not supported'],
    ['a: "open', 'unable to parse this line: a: "open'],
    ['a:', 'unable to parse this line: a:'],
  ])('refuses %j', (text, trouble) => {
    expect(aliases(text)).toBe(trouble)
  })
})

describe('newinclude', () => {
  test('compiles addresses and further files', () => {
    const text = '# who\njoe, Ann <ann@x>\nbob@x.test carol@y+\n:include:more\n'
    expect(includeList(Buffer.from(text), qualifiers)).toEqual({
      list: '&ann@x.d.test\0&joe@h.test\0&carol@y.p.test\0&bob@x.test\0./more\0',
    })
    expect(includeList(Buffer.from('"|prog"'), qualifiers)).toEqual({
      trouble: 'program delivery |prog not supported',
    })
  })
})

test('any line is read to its end', () => {
  const unit = fc.constantFrom(
    'a',
    '@',
    '.',
    '<',
    '>',
    ':',
    ';',
    ',',
    '"',
    '(',
    ')',
    '\\',
    ' ',
    '|',
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), fc.boolean(), (line, includes) => {
      expect([...listedRecipients(line, { includes })].length).toBeLessThanOrEqual(line.length + 2)
    }),
  )
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMailbox, parsePath, formatMailbox } from './address.ts'
import { lenientPath } from './lenient-path.ts'

const at = (localPart: string, domain: string) => ({ localPart, domain })

describe('a path that is read as qmail reads it', () => {
  test.each([
    ['<a@b.test> SIZE=1', at('a', 'b.test'), ' SIZE=1'],
    ['a@b.test SIZE=1', at('a', 'b.test'), ' SIZE=1'],
    ['<a@b.test', at('a', 'b.test'), ''],
    ['A. User <a@b.test> BODY=7BIT', at('a', 'b.test'), ' BODY=7BIT'],
    ['<@x,@y:a@b.test>', at('a', 'b.test'), ''],
    ['<"j o"@b.test>', at('j o', 'b.test'), ''],
    ['<j"> "o@b.test>', at('j> o', 'b.test'), ''],
    ['<<a@b.test>', at('<a', 'b.test'), ''],
    ['<a\\@b@c.test>', at('a@b', 'c.test'), ''],
    ['<a..b.@c.test>', at('a..b.', 'c.test'), ''],
    ['joe', at('joe', ''), ''],
    ['', null, ''],
    ['<>', null, ''],
    ['<#@[]>', null, ''],
  ])('%j', (text, mailbox, rest) => {
    expect(lenientPath(text)).toEqual({ ok: true, mailbox, rest })
  })

  test.each([
    '<@b.test>',
    '<a@.b.test>',
    '<a@b_\u0001>',
    '<a\u0000b@c.test>',
    '<ü@b.test>',
    '@b.test',
  ])('%j stays a mistake', (text) => {
    expect(lenientPath(text)).toEqual(parsePath(text))
  })

  test('whatever is read is a mailbox that can be written and read again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const path = lenientPath(text, { smtputf8: true })
        if (!path.ok || path.mailbox === null) return
        const mailbox = { ...path.mailbox, domain: path.mailbox.domain || 'x.test' }
        expect(parseMailbox(formatMailbox(mailbox), { smtputf8: true })).toEqual(mailbox)
        expect(text.endsWith(path.rest)).toBe(true)
      }),
    )
  })
})

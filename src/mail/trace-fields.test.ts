import { describe, expect, test } from 'vitest'
import { emptyEnvironment } from './environment.ts'
import { formatField } from './header-field.ts'
import type { Session } from './session.ts'
import {
  countFields,
  countHops,
  deliveredToField,
  formatDate,
  protocolName,
  receivedField,
  returnPathField,
} from './trace-fields.ts'

const at = Date.UTC(2026, 10, 21, 8, 10, 12)
const session: Session = {
  id: 's1',
  startedAt: at,
  listener: 'mx',
  remote: { address: '192.0.2.1', port: 40_000 },
  local: { address: '192.0.2.9', port: 25 },
  hostname: 'mx.example.org',
  environment: emptyEnvironment,
  hello: { verb: 'EHLO', name: 'client.example.net' },
}
const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' }

describe('the Received field', () => {
  test('says from where, by whom, how, for whom and when', () => {
    expect(
      receivedField({
        session,
        protocol: 'ESMTPS',
        id: 't1',
        at,
        remoteName: 'c.example.net',
        recipient: { localPart: 'ann', domain: 'example.org' },
      }),
    ).toBe(
      'from client.example.net (c.example.net [192.0.2.1])\r\n' +
        ' by mx.example.org with ESMTPS id t1\r\n' +
        ' for <ann@example.org>; Sat, 21 Nov 2026 08:10:12 +0000',
    )
  })

  test('names an internationalised domain by its A-labels, so that mail needs no SMTPUTF8 for it', () => {
    const named = (localPart: string) =>
      receivedField({
        session,
        protocol: 'UTF8SMTP',
        id: 't1',
        at,
        recipient: { localPart, domain: 'münchen.test' },
      })
    expect(named('ann')).toContain('for <ann@xn--mnchen-3ya.test>;')
    expect(named('änn')).toContain('for <änn@xn--mnchen-3ya.test>;')
  })

  test('names no recipient where there are several, and no client it could not look up', () => {
    const remote = { address: '2001:db8::1', port: 1 }
    expect(
      receivedField({ session: { ...session, remote }, protocol: 'ESMTP', id: 't1', at }),
    ).toBe(
      'from client.example.net (unknown [IPv6:2001:db8::1])\r\n' +
        ' by mx.example.org with ESMTP id t1; Sat, 21 Nov 2026 08:10:12 +0000',
    )
  })

  test.each([
    ['x y(z)\r\nEvil: 1', 'x?y?z???Evil:?1'],
    ['[192.0.2.7]', '[192.0.2.7]'],
    ['[IPv6:2001:db8::7]', '[IPv6:2001:db8::7]'],
    ['under_score', 'under_score'],
    ['blåbær', 'bl?b?r'],
    ['', 'unknown'],
    ['h'.repeat(1000), 'h'.repeat(255)],
  ])('lets nothing unsafe of a HELO %j in', (name, shown) => {
    const value = receivedField({
      session: { ...session, hello: { verb: 'HELO', name } },
      protocol: 'SMTP',
      id: 't1',
      at,
    })
    expect(value.startsWith(`from ${shown} (`)).toBe(true)
    expect(formatField('Received', value).split('\r\n')).toHaveLength(3)
  })
})

describe('the protocol name', () => {
  test.each([
    ['HELO', {}, false, 'SMTP'],
    ['HELO', { tls, user: 'ann' }, false, 'SMTP'],
    ['EHLO', {}, false, 'ESMTP'],
    ['EHLO', { tls }, false, 'ESMTPS'],
    ['EHLO', { user: 'ann' }, false, 'ESMTPA'],
    ['EHLO', { tls, user: 'ann' }, false, 'ESMTPSA'],
    ['EHLO', { tls }, true, 'UTF8SMTPS'],
    ['LHLO', {}, false, 'LMTP'],
    ['LHLO', { tls, user: 'ann' }, true, 'UTF8LMTPSA'],
  ] as const)('after %s with %j and SMTPUTF8 %s is %4$s', (verb, facts, smtputf8, name) => {
    expect(protocolName({ ...session, ...facts, hello: { verb, name: 'x' } }, smtputf8)).toBe(name)
  })
})

describe('a date', () => {
  test('is written in UTC as RFC 5322 has it', () => {
    expect(formatDate(at)).toBe('Sat, 21 Nov 2026 08:10:12 +0000')
    expect(formatDate(0)).toBe('Thu, 01 Jan 1970 00:00:00 +0000')
    expect(new Date(formatDate(at)).getTime()).toBe(at)
  })
})

describe('hops', () => {
  const hops = (text: string): number => countHops(Buffer.from(text))

  test('are the Received and Delivered-To fields of the header', () => {
    expect(
      hops(
        'Received: x\r\nrEcEiVeD : y\r\n  z\r\nDELIVERED-to:a\r\nSubject: b\r\n\r\nReceived: body\r\n',
      ),
    ).toBe(3)
    expect(hops('Received: x\r\n'.repeat(101))).toBe(101)
  })

  test('are not what only looks like one', () => {
    expect(
      hops('Received-SPF: pass\r\nX: a\r\n Received: b\r\nReceived\r\nDelivered: x\r\nReceived'),
    ).toBe(0)
    expect(hops('\r\nReceived: x\r\n')).toBe(0)
    expect(hops('')).toBe(0)
  })
})

describe('the fields of final delivery', () => {
  test('are one line each', () => {
    expect(returnPathField(null)).toBe('Return-Path: <>\r\n')
    expect(returnPathField({ localPart: 'a b', domain: 'example.org' })).toBe(
      'Return-Path: <"a b"@example.org>\r\n',
    )
    expect(deliveredToField({ localPart: 'a b', domain: 'example.org' })).toBe(
      'Delivered-To: a b@example.org\r\n',
    )
    expect(deliveredToField({ localPart: 'a\r\nEvil: b', domain: 'example.org' })).toBe(
      'Delivered-To: a__Evil: b@example.org\r\n',
    )
  })
})

test.each([
  ['', 0],
  ['\r\nbody: no header\r\n', 0],
  ['A: 1\r\n', 1],
  ['A: 1\r\n folded\r\n\tagain\r\nB: 2\r\n\r\nC: body\r\n', 2],
  ['no field, but it stands in the header\r\nA: 1', 2],
])('the header of %j has so many fields: %i', (header, fields) => {
  expect(countFields(Buffer.from(header))).toBe(fields)
})

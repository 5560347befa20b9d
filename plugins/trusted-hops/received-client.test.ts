import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { receivedClient } from './received-client.ts'

describe('a Received field tells its client', () => {
  test.each([
    [
      'of Postfix',
      'from mail.example (host.example [192.0.2.1]) by mx2.example.org (Postfix) with ESMTP id 4X; Sat',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
    [
      'of Postfix under TLS',
      'from mail.example (unknown [IPv6:2001:DB8::1]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519) (No client certificate requested) by mx2.example.org',
      { address: '2001:db8::1', hello: 'mail.example' },
    ],
    [
      'of Sendmail',
      'from mail.example (IDENT:joe@host.example [192.0.2.1] (may be forged)) by mx2 (8.17/8.17) with ESMTP',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
    [
      'of Exim',
      'from host.example ([192.0.2.1]:40000 helo=mail.example) by mx2.example.org with esmtps (Exim 4.96)',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
    [
      'of Exim, without a name',
      'from [192.0.2.1] (port=40000 helo=mail.example) by mx2.example.org with esmtp',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
    [
      'of qmail',
      'from unknown (HELO mail.example) (joe@192.0.2.1) by mx2.example.org with SMTP; 21 Nov',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
    [
      'of qmail, with a name alone',
      'from mail.example (192.0.2.1) by mx2.example.org with SMTP; 21 Nov 2026 08:10:12 -0000',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
    [
      'of Exchange',
      'from mail.example (192.0.2.1) by mx2.example.org (10.0.0.1) with Microsoft SMTP Server',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
    [
      'of Courier',
      'from mail.example (host.example [::ffff:192.0.2.1]) by mx2.example.org with esmtp',
      { address: '192.0.2.1', hello: 'mail.example' },
    ],
  ])('%s', (_, field, client) => {
    expect(receivedClient(field)).toEqual(client)
  })

  test('or that qmail passed it on within the host', () => {
    expect(receivedClient('(qmail 123 invoked from network); 21 Nov 2026')).toBe('no client')
    expect(receivedClient('(qmail 123 invoked by uid 1000); 21 Nov 2026')).toBe('none')
    expect(receivedClient('(qmail 123 invoked for bounce); 21 Nov 2026')).toBe('none')
  })
})

describe('what the client said of itself is never its address', () => {
  test.each([
    ['in front', 'from [203.0.113.66] (host.example [192.0.2.1]) by mx2', '192.0.2.1'],
    ['behind helo=', 'from [192.0.2.1] (helo=[203.0.113.66]) by mx2', '192.0.2.1'],
    [
      'behind helo= of one with a name',
      'from a.b ([192.0.2.1] helo=[203.0.113.66]) by mx2',
      '192.0.2.1',
    ],
    ['behind HELO', 'from unknown (HELO [203.0.113.66]) (192.0.2.1) by mx2', '192.0.2.1'],
  ])('%s', (_, field, address) => {
    expect(receivedClient(field)).toMatchObject({ address })
  })

  test.each([
    'from [203.0.113.66] by mx2 with SMTP',
    'from 203.0.113.66 by mx2 with SMTP',
    'from x (y [203.0.113.66]) (unknown [192.0.2.1]) by mx2',
    'from x (y [203.0.113.66] by mx2',
    'from x (y) by mx2 ([203.0.113.66])',
    'by mx2 with SMTP',
    'from (host [203.0.113.66]) by mx2',
    'from x (host [300.1.1.1]) by mx2',
    '',
  ])('and %j is not believed at all', (field) => {
    expect(receivedClient(field)).toBeUndefined()
  })
})

test('no field ends in anything but an answer', () => {
  const piece = fc.constantFrom(
    'from ',
    '(',
    ')',
    '[1.2.3.4]',
    '\\',
    ' ',
    'helo=',
    'HELO ',
    'by ',
    'é',
    '::1',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 400 }), (pieces) => {
      const client = receivedClient(pieces.join(''))
      const address = typeof client === 'object' ? client.address : '1.2.3.4'
      expect(address).toMatch(/^(?:1\.2\.3\.4|::1)$/)
    }),
  )
})

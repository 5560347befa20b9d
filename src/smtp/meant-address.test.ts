import { describe, expect, test } from 'vitest'
import { emptyEnvironment } from '../mail/environment.ts'
import { testSettings } from '../testkit/scripted-policy.ts'
import { meantAddress, meantRecipient } from './meant-address.ts'

const settings = { ...testSettings, localIpHost: 'ours.test' }

function hereAt(localAddress: string) {
  const session = {
    id: 's',
    startedAt: 0,
    listener: 'in',
    remote: { address: '198.51.100.7', port: 1 },
    local: { address: localAddress, port: 25 },
    hostname: 'mx.test',
    environment: emptyEnvironment,
  }
  return { session, settings }
}

function domainOf(domain: string, localAddress = '192.0.2.25'): string {
  return meantAddress({ localPart: 'bob', domain }, hereAt(localAddress)).domain
}

describe('the domain of an address', () => {
  test.each(['[127.0.0.1]', '[0.0.0.0]', '[IPv6:::1]', '[192.0.2.25]', '[IPv6:::ffff:192.0.2.25]'])(
    '%s is ours',
    (literal) => {
      expect(domainOf(literal)).toBe('ours.test')
    },
  )

  test.each(['[192.0.2.26]', '[IPv6:2001:db8::1]', 'there.test', '[]'])('%s stays', (domain) => {
    expect(domainOf(domain)).toBe(domain)
  })

  test('is ours in each spelling of an IPv6 address', () => {
    expect(domainOf('[IPv6:2001:DB8:0:0:0:0:0:25]', '2001:db8::25')).toBe('ours.test')
  })

  test('stays where nobody knows which address is ours', () => {
    expect(domainOf('[192.0.2.25]', 'unknown')).toBe('[192.0.2.25]')
  })
})

describe('a name without a domain', () => {
  const here = hereAt('192.0.2.25')

  test('is at our own host, and so is a postmaster who sends', () => {
    for (const localPart of ['bob', 'Postmaster']) {
      const mailbox = { localPart, domain: '' }
      expect(meantAddress(mailbox, here).domain).toBe(settings.hostname)
    }
  })

  test('stays without one where the postmaster is to get mail', () => {
    expect(meantRecipient({ localPart: 'PostMaster', domain: '' }, here).domain).toBe('')
    expect(meantRecipient({ localPart: 'bob', domain: '' }, here).domain).toBe(settings.hostname)
  })
})

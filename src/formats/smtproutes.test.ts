import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseQmtpRoutes, parseSmtpRoutes, type SmtpRelay } from './smtproutes.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const relay = (text: string, domain = 'dest.example'): SmtpRelay | undefined =>
  parseSmtpRoutes(bytes(text)).value.find(domain)?.relay

describe('a relay', () => {
  test.each([
    ['dest.example:127.0.0.1:2500', '127.0.0.1', 2500],
    ['dest.example:[127.0.0.1]:2500', '127.0.0.1', 2500],
    ['DEST.Example:127.0.0.1:2500', '127.0.0.1', 2500],
    ['dest.example:[192.0.2.1]', '192.0.2.1', 25],
    ['dest.example:relay.example', 'relay.example', 25],
    ['dest.example:Relay.example:587 ', 'Relay.example', 587],
    ['dest.example:[2001:db8::1]:26', '2001:db8::1', 26],
  ])('of %j is %j, port %j', (text, host, port) => {
    expect(parseSmtpRoutes(bytes(`${text}\n`)).mistakes).toEqual([])
    expect(relay(text)).toEqual({ host, port })
  })

  test('may want a login, over TLS or, with a dash before the user, without', () => {
    const login = (text: string) => {
      const found = relay(text)?.login
      return found && [found.user, found.password.reveal(), found.withoutTls]
    }
    expect(login('dest.example:127.0.0.42 user pass')).toEqual(['user', 'pass', false])
    expect(login('dest.example:127.0.0.42:587 -user pass')).toEqual(['user', 'pass', true])
    expect(login('dest.example:[127.0.0.42]:587\tme@x  a b:c')).toEqual(['me@x', 'a b:c', false])
    expect(relay('dest.example:127.0.0.42:587 -user pass')).toMatchObject({
      host: '127.0.0.42',
      port: 587,
    })
  })
})

describe('the route of a domain', () => {
  const file = 'a.example:one\n.b.example:two\n.c.b.example:three\nmx.b.example:\n:four:26\n'
  const { value } = parseSmtpRoutes(bytes(file))

  test.each([
    ['a.example', 'one'],
    ['A.EXAMPLE', 'one'],
    ['x.a.example', 'four'],
    ['x.b.example', 'two'],
    ['x.c.b.example', 'three'],
    ['c.b.example', 'two'],
    ['mx.b.example', undefined],
    ['else.example', 'four'],
    ['', 'four'],
  ])('%j is the relay %j', (domain, host) => {
    expect(value.find(domain)?.relay?.host).toBe(host)
  })

  test('by MX, in spite of a default route, is a line without a relay', () => {
    expect(value.find('mx.b.example')).toEqual({ key: 'mx.b.example', line: 4 })
  })

  test('is unknown where no line speaks of it', () => {
    expect(parseSmtpRoutes(bytes('a.example:one\n')).value.find('b.example')).toBeUndefined()
    expect(parseSmtpRoutes(undefined).value.find('b.example')).toBeUndefined()
  })
})

describe('a mistake', () => {
  test.each([
    'dest.example',
    'dest.example:relay:smtp',
    'dest.example:relay:',
    'dest.example:relay:0',
    'dest.example:relay:65536',
    'dest.example::2500',
    'dest.example: relay',
    'dest.example:2001:db8::1',
    'dest.example:[192.0.2.1',
    'dest.example:[]',
    'dest.example:user@relay',
    'dest.example:relay\r',
    ' dest.example:relay',
  ])('is %j, and the line is told with it', (text) => {
    const { mistakes } = parseSmtpRoutes(bytes(`# routes\n${text}\n`))
    expect(mistakes).toMatchObject([{ line: 2 }])
    expect(mistakes[0]?.remedy).toMatch(/\w/)
  })

  test.each([
    'dest.example:relay user',
    'dest.example:relay - pass',
    'dest.example:relay:x user pass',
  ])('in a login is told without what may be a password: %j', (text) => {
    const { value, mistakes } = parseSmtpRoutes(bytes(text))
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]?.text).toMatch(/^dest\.example:relay(:x)? \*\*\*$/)
    expect(value.find('dest.example')).toBeUndefined()
  })

  test('leaves the other lines in force', () => {
    expect(relay('a.example:one\nb.example:x:y\nc.example:three', 'c.example')?.host).toBe('three')
  })
})

test('a line that repeats a domain is doubted, without its password', () => {
  const { doubts } = parseSmtpRoutes(
    bytes('a.example:one user secret\na.example:two user secret\n'),
  )
  expect(doubts).toMatchObject([{ line: 2, text: 'a.example:two ***' }])
})

test('a route prints without its password', () => {
  expect(JSON.stringify(relay('dest.example:relay user secret'))).not.toContain('secret')
})

test('any bytes give routes with a host and a possible port, or mistakes', () => {
  const nearly = fc.stringMatching(/^([a.]{0,3}:[[\]a.:0-9 -]{0,12}\n){0,4}$/).map(bytes)
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), nearly), (text) => {
      const { value } = parseSmtpRoutes(text)
      for (const domain of ['', 'a', 'a.a', '.a']) {
        const found = value.find(domain)?.relay
        if (found === undefined) continue
        expect(found.host).not.toMatch(/[\s@]|^$/)
        expect(found.port >= 1 && found.port <= 65_535).toBe(true)
      }
    }),
  )
})

test('several relays stand in their order, each with the port of the first where it has none', () => {
  const { value, mistakes } = parseSmtpRoutes(
    Buffer.from(
      'a.test:one.test:26,[2001:db8::1]:26,192.0.2.1:26 user word\nb.test:one.test,two.test\nc.test:one.test,two.test:26\nd.test:192.0.2.1:2525,192.0.2.2\n',
    ),
  )
  expect(value.find('a.test')?.relay).toMatchObject({
    host: 'one.test',
    others: [
      { host: '2001:db8::1', port: 26 },
      { host: '192.0.2.1', port: 26 },
    ],
    port: 26,
    login: { user: 'user' },
  })
  expect(value.find('b.test')?.relay).toEqual({
    host: 'one.test',
    others: [{ host: 'two.test', port: 25 }],
    port: 25,
  })
  const two = { host: 'two.test', port: 26 }
  expect(value.find('c.test')?.relay).toEqual({ host: 'one.test', others: [two], port: 25 })
  const inherited = { host: '192.0.2.1', others: [{ host: '192.0.2.2', port: 2525 }], port: 2525 }
  expect(value.find('d.test')?.relay).toEqual(inherited)
  expect(mistakes).toEqual([])
})

test('control/qmtproutes has the same lines for port 209, and no logins', () => {
  const text = 'a.example:hub.test\n.b.example:[::1]:2209\nc.example:\n:all.test,more.test\n'
  const { value, mistakes } = parseQmtpRoutes(bytes(text))
  expect(mistakes).toEqual([])
  expect(value.find('a.example')?.relay).toEqual({ host: 'hub.test', port: 209 })
  expect(value.find('x.b.example')?.relay).toEqual({ host: '::1', port: 2209 })
  expect(value.find('c.example')?.relay).toBeUndefined()
  expect(value.find('d.example')?.relay).toMatchObject({
    others: [{ host: 'more.test', port: 209 }],
    port: 209,
  })
  expect(parseQmtpRoutes(bytes('a.example:hub.test user secret\n')).mistakes).toMatchObject([
    { line: 1, text: 'a.example:hub.test ***', remedy: expect.stringContaining('no logins') },
  ])
})

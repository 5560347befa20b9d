import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatListenAddress, isNameServer, parseListenAddress } from './listen-address.ts'

test('an address is IPv4 or bracketed IPv6 with a port, a path, or a socket of whoever starts us', () => {
  expect(parseListenAddress('127.0.0.1:25')).toEqual({ host: '127.0.0.1', port: 25 })
  expect(parseListenAddress('[::1]:2525')).toEqual({ host: '::1', port: 2525 })
  expect(parseListenAddress('/run/smtp.sock')).toEqual({ path: '/run/smtp.sock' })
  expect(parseListenAddress('../var/smtp.sock')).toEqual({ path: '../var/smtp.sock' })
  expect(parseListenAddress('systemd:smtp')).toEqual({ inherited: 'smtp' })
  expect(parseListenAddress('fd:3')).toEqual({ inherited: 3 })
  for (const wrong of [
    'systemd:',
    'systemd:a:b',
    'fd:2',
    'fd:x',
    'smtp.sock',
    '',
    '25',
    'localhost:25',
    '127.0.0.1',
    '010.1:25',
    '::1:25',
    '[::g]:25',
    '1.2.3.4:65536',
  ]) {
    expect(parseListenAddress(wrong), wrong).toBeUndefined()
  }
})

test('what is parsed is written as it was', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 65_535 }), (host, port) => {
      const text = `${host}:${port}`
      const parsed = parseListenAddress(text)
      expect(parsed === undefined ? undefined : formatListenAddress(parsed)).toBe(text)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseListenAddress(text)
      expect(parsed === undefined || parseListenAddress(formatListenAddress(parsed))).toBeTruthy()
    }),
  )
})

test('a name server is an address, with or without a port', () => {
  for (const right of ['192.0.2.53', '127.0.0.1:5353', '::1', '[::1]', '[2001:db8::1]:5353']) {
    expect(isNameServer(right)).toBe(true)
  }
  for (const wrong of [
    '',
    'dns.example',
    '192.0.2',
    '[192.0.2.1]:53',
    '/run/dns',
    'fd:3',
    '::1:x',
  ]) {
    expect(isNameServer(wrong)).toBe(false)
  }
})

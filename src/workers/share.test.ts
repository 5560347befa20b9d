import { describe, expect, test } from 'vitest'
import { listenersOf } from './share.ts'

describe('the listeners of a worker', () => {
  const tcp = { name: 'mx', address: { host: '127.0.0.1', port: 0 }, maxConnections: 7 }
  const inherited = { name: 'passed', address: { inherited: 'smtp' }, maxConnections: 7 }
  const unix = { name: 'local', address: { path: '/run/smtp.sock' }, maxConnections: 7 }

  test('have the ports that the first one found, and the other settings as configured', () => {
    const known = {
      listeners: [{ name: 'mx', address: { host: '127.0.0.1', port: 40_001 } }],
      spool: '/var/spool',
    }
    const added = { ...tcp, name: 'added since' }
    expect(listenersOf([tcp, added], { known })).toEqual([
      { ...tcp, address: { host: '127.0.0.1', port: 40_001 } },
    ])
    expect(listenersOf([tcp, unix], { leads: true })).toEqual([tcp, unix])
  })

  test('are UNIX sockets for the one only that leads, and inherited ones for all', () => {
    expect(listenersOf([tcp, unix, inherited], {})).toEqual([tcp, inherited])
    const known = {
      listeners: [{ name: 'passed', address: { host: '127.0.0.1', port: 25 } }],
      spool: '/var/spool',
    }
    expect(listenersOf([inherited], { known })).toEqual([inherited])
  })

  test('are as configured for a worker that judges the configuration, but for ports that the system chose', () => {
    const address = { host: '127.0.0.1', port: 40_001 }
    const seat = {
      leads: true as const,
      judges: true as const,
      known: { listeners: [{ name: 'mx', address }], spool: '/var/spool' },
    }
    const moved = { ...tcp, address: { host: '127.0.0.1', port: 25 } }
    const added = { ...tcp, name: 'added since' }
    expect(listenersOf([tcp], seat)).toEqual([{ ...tcp, address }])
    expect(listenersOf([moved, added], seat)).toEqual([moved, added])
  })
})

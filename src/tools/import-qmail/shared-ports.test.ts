import { expect, test } from 'vitest'
import { readServiceLine } from '../../formats/run-script/service-line.ts'
import { ImportFindings } from './findings.ts'
import { reportSharedPorts } from './shared-ports.ts'
import { addressOf } from './smtp-listener.ts'
import type { WrittenListener } from './written-config.ts'

function listener(name: string, listen: string): WrittenListener {
  const keys = new Map([['listen', { value: listen }]])
  return { name, from: `/service/${name}/run:1`, keys, receiver: new Map() }
}

/** What is told of listeners at these places. */
function told(...places: readonly string[]): readonly string[] {
  const findings = new ImportFindings()
  const listeners = places.map((place, index) => listener(String(index), place))
  reportSharedPorts(listeners, findings)
  return findings.facts.map(({ outcome, what }) => `${outcome}: ${what}`)
}

test.each([
  ['127.0.0.1:25', '0.0.0.0:25'],
  ['127.0.0.1:25', '127.0.0.1:25'],
  ['[::]:25', '127.0.0.1:25'],
  ['[::1]:25', '[::]:25'],
])('the report of an import names listeners on one port: %s and %s', (one, other) => {
  expect(told(one, other)).toEqual([`dangerous: 1 listens where 0 does: ${other}`])
})

test('listeners of one port on addresses of their own are nothing to tell', () => {
  expect(told('127.0.0.1:25', '127.0.0.2:25', '[::1]:25', '0.0.0.0:587')).toEqual([])
})

test.each([
  ['70000', 0, 'port 70000 of the service smtpd'],
  ['0', 0, 'port 0 of the service smtpd'],
  ['2525', 64_000, 'port 2525 of the service smtpd'],
])(
  'a port that there is not becomes no listener, and is told: %s and %i',
  (port, shiftPorts, what) => {
    const findings = new ImportFindings()
    const words = ['tcpserver', '0', port, 'qmail-smtpd']
    const line = readServiceLine(words, new Map(), { variablesIn: () => undefined })
    const service = { name: 'smtpd', source: '/service/smtpd/run:1', line }
    const [server] = line.programs
    expect(addressOf(server, { service, findings, shiftPorts, taken: new Set() })).toBeUndefined()
    expect(findings.facts).toMatchObject([{ outcome: 'unsupported', what }])
  },
)

import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDns, type FakeZones } from '../testkit/fake-dns.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { clientName } from './client-names.ts'

const zones: FakeZones = {
  '192.0.2.1': { reverse: ['mx.example'] },
  'mx.example': { addresses: ['192.0.2.1'] },
  '192.0.2.2': { reverse: ['liar.example'] },
  '192.0.2.3': { reverse: 'hangs' },
  '192.0.2.4': { reverse: 'fails' },
}

test.each([
  ['192.0.2.1', 'confirmed', 'mx.example'],
  ['192.0.2.1', 'off', undefined],
  ['192.0.2.2', 'confirmed', undefined],
  ['192.0.2.2', 'any', 'liar.example'],
  ['192.0.2.4', 'any', undefined],
  ['192.0.2.9', 'any', undefined],
] as const)('the client %s has, where names are %s, the name %s', async (address, names, name) => {
  const doors = { dns: fakeDns(zones), clock: fakeClock(), log: recordingLog() }
  expect(await clientName(address, { names, timeoutMs: 5_000 }, doors)).toBe(name)
  expect(doors.log.events).toHaveLength(address === '192.0.2.4' ? 1 : 0)
})

test('a client whose name server hangs has no name after the deadline', async () => {
  const doors = { dns: fakeDns(zones), clock: fakeClock(), log: recordingLog() }
  const name = clientName('192.0.2.3', { names: 'confirmed', timeoutMs: 5_000 }, doors)
  doors.clock.advance(5_000)
  expect(await name).toBeUndefined()
  expect(doors.log.events.map(({ event }) => event)).toEqual(['client-name.unknown'])
})

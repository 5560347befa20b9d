import { expect, test } from 'vitest'
import type { JsonValue } from '../mail/json.ts'
import { parseNetworks } from '../plugin/networks.ts'
import { claimedClientDoubts } from './claimed-client-doubts.ts'

interface Written {
  readonly host?: string
  readonly path?: string
  readonly proxies?: readonly string[]
  readonly own?: JsonValue
  readonly shared?: JsonValue
}

function doubtsOf({ host = '192.0.2.1', path, proxies, own, shared }: Written): readonly string[] {
  const place = (...steps: readonly (string | number)[]) => ({
    file: 'postern.yaml',
    path: steps,
    lineOf: () => 3,
  })
  const found = proxies === undefined ? undefined : parseNetworks(proxies)
  const listener = {
    address: path === undefined ? { host, port: 25 } : { path },
    place: place('listeners', 0),
    receiver: own,
    ...(found?.ok === true ? { proxyNetworks: found.networks } : {}),
  }
  const receiver = { options: shared, place: place('receiver') }
  return claimedClientDoubts({ listeners: [listener], receiver }).map(
    ({ key, code }) => `${key} ${code}`,
  )
}

test('a listener that takes a PROXY header from everybody is doubted: whoever connects is whom he likes', () => {
  const doubt = 'listeners[0].proxy_protocol.networks open-relay'
  expect(doubtsOf({ proxies: ['0.0.0.0/0'] })).toEqual([doubt])
  expect(doubtsOf({ proxies: ['192.0.2.9', '::/0'] })).toEqual([doubt])
  expect(doubtsOf({ proxies: ['192.0.2.9', '10.0.0.0/8'] })).toEqual([])
})

test('so is XCLIENT from everybody, where it is written', () => {
  const everybody = { xclient_networks: ['0.0.0.0/0'] }
  const proxies = { xclient_networks: ['192.0.2.9'] }
  expect(doubtsOf({ shared: everybody })).toEqual(['receiver.xclient_networks open-relay'])
  expect(doubtsOf({ own: everybody })).toEqual([
    'listeners[0].receiver.xclient_networks open-relay',
  ])
  expect(doubtsOf({ shared: everybody, own: proxies })).toEqual([])
  expect(doubtsOf({ shared: proxies })).toEqual([])
})

test('who can only come from this host may be a proxy', () => {
  const everybody = { proxies: ['0.0.0.0/0', '::/0'] }
  expect(doubtsOf({ ...everybody, host: '127.0.0.1' })).toEqual([])
  expect(doubtsOf({ ...everybody, host: '::1' })).toEqual([])
  expect(doubtsOf({ ...everybody, path: '/run/postern/smtp.sock' })).toEqual([])
})

import { describe, expect, test } from 'vitest'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Envelope } from '../../mail/envelope.ts'
import type { SmtpRoute } from '../../mail/route.ts'
import type { TlsPolicy } from '../../mail/tls-policy.ts'
import type { Connection } from '../../runtime/net.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDns, type FakeZones } from '../../testkit/fake-dns.ts'
import { fakeNet } from '../../testkit/fake-net.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { recordingLog } from '../../testkit/recording-log.ts'
import { scriptedPeer } from '../../testkit/scripted-peer.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { isQmtpPreference, mxpsTransport, type MxpsOptions } from './mxps.ts'

const message = memoryMessage('Subject: hi\r\n\r\nhello\r\n')
const bySmtp: DeliveryResult = { outcome: 'delivered', status: '2.0.0', text: 'by SMTP' }

interface Scene extends Partial<Pick<MxpsOptions, 'stsPolicies'>> {
  readonly preference?: number
  readonly lookup?: SmtpRoute['lookup']
  readonly zone?: FakeZones
  readonly tls?: TlsPolicy
  readonly requireTls?: boolean
  readonly wanted?: boolean
  readonly helloName?: string
  /** Keeps what is asked of the DNS. */
  readonly questions?: string[]
  /** No QMTP server is there. */
  readonly absent?: boolean
}

/** @returns what the mail went by */
async function sent(scene: Scene = {}): Promise<string | undefined> {
  const { preference = 12_801, lookup = 'mx', tls, requireTls = false, wanted = true } = scene
  const net = fakeNet()
  const accepted = (connection: Connection): void => {
    const peer = scriptedPeer(connection)
    void peer.take(`${message.sizeBytes + 1}:`.length).then(() => peer.say('8:Kby QMTP,'))
  }
  if (scene.absent !== true) {
    await net.listen({ address: { host: '192.0.2.7', port: 209 }, accepted, failed: () => {} })
  }
  const dns = fakeDns({
    'there.test': {
      mx: [
        { preference, exchange: 'MX.there.test' },
        { preference: 13_100, exchange: 'other.test' },
      ],
    },
    'mx.there.test': { addresses: ['192.0.2.7'] },
    ...scene.zone,
  })
  const transport = mxpsTransport({
    net,
    clock: fakeClock(),
    log: recordingLog(),
    random: seededRandom(1),
    dns,
    settings: () => ({ helloName: scene.helloName ?? 'here.test', tlsPolicy: () => tls }),
    wanted: () => wanted,
    smtp: { deliver: () => Promise.resolve([bySmtp]) },
    ...(scene.stsPolicies === undefined ? {} : { stsPolicies: scene.stsPolicies }),
  })
  const recipients = [{ mailbox: { localPart: 'bob', domain: 'there.test' } }]
  const envelope: Envelope = {
    reversePath: null,
    recipients,
    bodyType: '7bit',
    smtputf8: false,
    requireTls,
  }
  const route = { transport: 'smtp', key: 'smtp:there.test', host: 'there.test', port: 25 } as const
  const delivery = {
    queueId: 'q',
    message,
    envelope,
    recipients,
    route: { ...route, lookup },
  }
  const [result] = await transport.deliver(delivery, new AbortController().signal)
  scene.questions?.push(...dns.questions)
  return result?.text
}

describe('mail for a domain whose best exchanger has a preference', () => {
  test.each([12_801, 12_817, 13_041])('of %i goes by QMTP', async (preference) => {
    expect(await sent({ preference })).toBe('by QMTP')
  })

  test.each([10, 12_800, 12_802, 13_057])('of %i goes by SMTP', async (preference) => {
    expect(await sent({ preference })).toBe('by SMTP')
  })

  test('that asks for QMTP goes by SMTP where nobody is there for it', async () => {
    expect(await sent({ absent: true })).toBe('by SMTP')
  })

  test.each<readonly [string, Scene]>([
    ['the operator does not want it', { wanted: false }],
    ['the operator has named a relay', { lookup: 'host' }],
    ['the operator demands TLS', { tls: { level: 'encrypt' } }],
    ['the sender demands TLS', { requireTls: true }],
    [
      'the domain demands TLS',
      {
        stsPolicies: {
          find: async () => ({ mode: 'enforce', mx: ['*.there.test'], maxAgeSeconds: 60 }),
        },
      },
    ],
    ['it is this host', { helloName: 'mx.there.test' }],
    ['it has an address of this host', { zone: { 'mx.there.test': { addresses: ['127.0.0.1'] } } }],
    ['the DNS does not say so', { zone: { 'there.test': 'fails' } }],
  ])('that asks for QMTP goes by SMTP where %s', async (_why, scene) => {
    expect(await sent(scene)).toBe('by SMTP')
  })
})

test('of a domain with hundreds of exchangers no more than twenty are asked for', async () => {
  const mx = Array.from({ length: 300 }, (_, nth) => ({
    preference: 12_801,
    exchange: `mx${nth}.there.test`,
  }))
  const questions: string[] = []
  expect(await sent({ zone: { 'there.test': { mx } }, questions })).toBe('by SMTP')
  expect(new Set(questions).size).toBeLessThanOrEqual(1 + 20)
})

test('sixteen preferences mean QMTP', () => {
  const all = Array.from({ length: 65_536 }, (_, preference) => preference)
  expect(all.filter(isQmtpPreference)).toEqual(
    Array.from({ length: 16 }, (_, nth) => 12_801 + 16 * nth),
  )
})

/** DANE with others' programs on both sides: unbound validates what ldns has signed, Exim shows the certificate. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { smtpTransport } from '../../src/delivery/transport/smtp.ts'
import type { Envelope } from '../../src/mail/envelope.ts'
import type { Net } from '../../src/runtime/net.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { nodeDns } from '../../src/runtime/node/dns.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import { nodeSecureDns } from '../../src/runtime/node/secure-dns.ts'
import type { StsPolicy } from '../../src/delivery/mta-sts/policy.ts'
import type { TlsSighting } from '../../src/delivery/tls-rpt/sighting.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { recordingLog } from '../../src/testkit/recording-log.ts'
import { checkout } from '../end-to-end/started-gateway.ts'
import { isMissing } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { startExim } from './exim-server.ts'
import type { MailServer } from './mail-server.ts'
import { startUnbound, type Unbound } from './unbound.ts'

/** Mail exchangers must not be this host, or mail would loop: the test's network leads this address to it all the same. */
const elsewhere = '192.0.2.25'
const stranger = 'a5'.repeat(32)
const forged = '5a'.repeat(32)

async function records(): Promise<readonly string[]> {
  const pem = await readFile(join(checkout, 'test/fixtures/tls/signed.test.pem'), 'utf8')
  const [leaf, authority] = pem.split(/(?=-----BEGIN)/).map((each) => {
    const { publicKey } = new X509Certificate(each)
    return createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex')
  })
  const exchanger = (name: string, tlsa?: string): readonly string[] => [
    `${name} IN A ${elsewhere}`,
    ...(tlsa === undefined ? [] : [`_25._tcp.${name} IN TLSA ${tlsa}`]),
  ]
  return [
    '@ IN MX 10 mx.by-authority',
    'renamed IN MX 10 mx.by-authority',
    ...['exact', 'wrong', 'alias', 'none', 'tampered'].map((name) => `${name} IN MX 10 mx.${name}`),
    ...exchanger('mx.by-authority', `2 1 1 ${authority}`),
    ...exchanger('mx.exact', `3 1 1 ${leaf}`),
    ...exchanger('mx.wrong', `3 1 1 ${stranger}`),
    ...exchanger('mx.none'),
    ...exchanger('mx.tampered', `3 1 1 ${forged.replace('5a', '77')}`),
    'mx.alias IN CNAME mx.exact',
    `_25._tcp.mx.alias IN TLSA 3 1 1 ${stranger}`,
  ]
}

describe.skipIf(isMissing('unbound', 'ldns', 'exim'))(
  'with a resolver that validates, mail',
  () => {
    let unbound: Unbound
    let exim: MailServer
    let port: number

    beforeAll(async () => {
      port = await freePort()
      exim = await startExim(
        { own: port, gateway: port },
        { certificate: 'signed.test', domains: 'signed.test : *.signed.test : unsigned.test' },
      )
      const elsewhereOnly = [
        '@ IN MX 10 mx',
        `mx IN A ${elsewhere}`,
        `_25._tcp.mx IN TLSA 3 1 1 ${stranger}`,
      ]
      unbound = await startUnbound([
        {
          name: 'signed.test',
          records: await records(),
          signed: 'well',
          forged: [forged.replace('5a', '77'), forged],
        },
        { name: 'unsigned.test', records: elsewhereOnly },
        { name: 'bogus.test', records: elsewhereOnly, signed: 'by another' },
      ])
    }, 60_000)

    afterAll(async () => {
      await unbound.stop()
      await exim.stop()
    })

    const net: Net = {
      ...nodeNet,
      connect: (options) => nodeNet.connect({ ...options, address: { host: '127.0.0.1', port } }),
    }

    const seen: TlsSighting[] = []
    const outcomes = () =>
      seen.splice(0).map(({ policy: { type }, outcome }) => [type, outcome.failure])

    async function mailTo(domain: string, sts?: StsPolicy) {
      const servers = [unbound.server]
      const log = recordingLog()
      const transport = smtpTransport({
        net,
        clock: systemClock,
        random: systemRandom,
        log,
        dns: nodeDns({ servers }),
        secureDns: nodeSecureDns({ servers }),
        tlsSeen: (sighting) => seen.push(sighting),
        ...(sts === undefined ? {} : { stsPolicies: { find: async () => sts } }),
        settings: () => ({ helloName: 'here.test' }),
      })
      const recipients = [{ mailbox: { localPart: 'bob', domain } }]
      const envelope: Envelope = {
        reversePath: null,
        recipients,
        bodyType: '7bit',
        smtputf8: false,
        requireTls: false,
      }
      const route = {
        transport: 'smtp',
        lookup: 'mx',
        key: domain,
        host: domain,
        port: 25,
      } as const
      const message = memoryMessage('Subject: sealed\r\n\r\nhello\r\n')
      const { signal } = new AbortController()
      const [result] = await transport.deliver(
        { queueId: 'q1', message, envelope, recipients, route },
        signal,
      )
      transport.close?.()
      return result
    }

    test.each([
      ['certificate is the one of its TLSA record (3 1 1)', 'exact.signed.test'],
      ['authority is the one of its TLSA record (2 1 1)', 'signed.test'],
      ['name is an alias of a host with the right TLSA record', 'alias.signed.test'],
    ])('goes to a server whose %s, though no authority of ours knows it', async (_, domain) => {
      expect(await mailTo(domain)).toMatchObject({ outcome: 'delivered' })
      expect(outcomes()).toEqual([['tlsa', undefined]])
    })

    test.each([
      ['certificate is another', 'wrong.signed.test', 'not the one of its TLSA records'],
      ['authority is right and its name is not', 'renamed.signed.test', 'another name'],
    ])('waits where the %s', async (_, domain, text) => {
      expect(await mailTo(domain)).toMatchObject({
        outcome: 'deferred',
        status: '4.7.5',
        text: expect.stringContaining(text),
      })
      expect(outcomes()).toEqual([['tlsa', 'validation-failure']])
    })

    test.each([
      ['signed and has no TLSA record', 'none.signed.test'],
      ['not signed, whatever its TLSA record says', 'unsigned.test'],
    ])('goes as ever where the zone is %s', async (_, domain) => {
      expect(await mailTo(domain)).toMatchObject({ outcome: 'delivered' })
      expect(outcomes()).toEqual([['no-policy-found', undefined]])
    })

    test('goes as ever where an MTA-STS policy is only tested, and what would have been is seen', async () => {
      const testing = { mode: 'testing', mx: ['mx.none.signed.test'], maxAgeSeconds: 60 } as const
      expect(await mailTo('none.signed.test', testing)).toMatchObject({ outcome: 'delivered' })
      expect(outcomes()).toEqual([['sts', 'certificate-not-trusted']])
      const enforced = { ...testing, mode: 'enforce' } as const
      expect(await mailTo('none.signed.test', enforced)).toMatchObject({ outcome: 'deferred' })
      expect(outcomes()).toEqual([['sts', 'certificate-not-trusted']])
    })

    test.each([
      [
        'TLSA record is forged',
        'tampered.signed.test',
        'records of mx.tampered',
        ['tlsa', 'dnssec-invalid'],
      ],
      ['whole zone is signed by a stranger', 'bogus.test', 'no answer about bogus.test', undefined],
    ])('waits where the %s', async (_, domain, text, outcome) => {
      const expected = outcome === undefined ? [] : [outcome]
      expect(await mailTo(domain)).toMatchObject({
        outcome: 'deferred',
        status: '4.4.3',
        text: expect.stringContaining(text),
      })
      expect(outcomes()).toEqual(expected)
    })
  },
)

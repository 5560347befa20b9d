import { describe, expect, test } from 'vitest'
import type { SmtpRoute } from '../../mail/route.ts'
import type { TlsaRecord, TlsLevel } from '../../mail/tls-policy.ts'
import { address, byMx, relay, settle, stage, type Scene } from '../../testkit/next-hop-stage.ts'
import type { StsPolicy } from '../mta-sts/policy.ts'
import { scriptedHop, type HopAnswers, type HopOptions } from '../../testkit/scripted-hop.ts'

function staged(options: HopOptions = {}, scene: Scene = {}) {
  const hop = scriptedHop(options)
  const pool = () => ({ idleMs: 2_000, ...scene.pool?.() })
  const scenery = stage({ hosts: { [`${address}:2525`]: hop.accepted }, ...scene, pool })
  return { hop, ...scenery }
}

const outcomes = (results: readonly { outcome: string }[]) => results.map(({ outcome }) => outcome)

describe('a session', () => {
  test('carries the next message to the same hop, without a new hello', async () => {
    const { hop, results, deliver } = staged()
    await results
    expect(outcomes(await deliver())).toEqual(['delivered'])
    expect(hop.connections).toBe(1)
    expect(hop.commands.map((line) => line.split(' ')[0])).toEqual([
      'EHLO',
      'MAIL',
      'RCPT',
      'DATA',
      'MAIL',
      'RCPT',
      'DATA',
    ])
  })

  test('carries nothing for another route', async () => {
    const { hop, results, deliver } = staged()
    await results
    const route: SmtpRoute = { ...relay, key: 'another' }
    await deliver({ route })
    expect(hop.connections).toBe(2)
  })

  test('is closed by QUIT when nothing came for its idle time', async () => {
    const { hop, results, clock, net } = staged()
    await results
    clock.advance(1_999)
    await settle()
    expect(net.open).toBe(2)
    clock.advance(1)
    await settle()
    expect(hop.commands.at(-1)).toBe('QUIT')
    expect(net.open).toBe(0)
  })

  test('is closed by QUIT when the transport is', async () => {
    const { hop, results, transport, net, deliver } = staged()
    await results
    transport.close?.()
    await settle()
    expect(hop.commands.at(-1)).toBe('QUIT')
    await deliver()
    await settle()
    expect(net.open).toBe(0)
  })

  test.each([
    ['so many messages', { mails: 2 }],
    ['its age', { ageMs: 1_000 }],
  ])('is closed after %s', async (_, pool) => {
    const { hop, results, deliver, clock } = staged({}, { pool: () => pool })
    await results
    clock.advance(1_500)
    await deliver()
    await deliver()
    expect(hop.connections).toBe(2)
  })

  test('waits no longer once the configuration in force says so', async () => {
    const pool = { idleMs: 2_000 }
    const { results, net, deliver } = staged({}, { pool: () => pool })
    await results
    await settle()
    expect(net.open).toBe(2)
    pool.idleMs = 0
    await deliver()
    await settle()
    expect(net.open).toBe(0)
  })

  test('is one of so many that wait', async () => {
    const { hop, results, deliver, net } = staged({}, { pool: () => ({ idlePerHop: 1 }) })
    await Promise.all([results, deliver(), deliver()])
    await settle()
    expect(hop.connections).toBe(3)
    expect(net.open).toBe(2)
  })

  test.each([
    ['MAIL', '550 5.7.1 No'],
    ['RCPT', '550 5.1.1 No'],
    ['DATA', '451 4.3.0 No'],
    ['message', '554 5.7.1 No'],
  ] as const)('is reset after %s was answered by %s, and goes on', async (step, text) => {
    for (const extensions of [[], ['PIPELINING']]) {
      let refusals = 1
      const standard = { MAIL: '250 Ok', RCPT: '250 Ok', DATA: '354 Go', message: '250 Ok' }
      const answers: HopAnswers = { [step]: () => (refusals-- > 0 ? text : standard[step]) }
      const { hop, results, deliver } = staged({ extensions, answers })
      expect(await results).toMatchObject([{ text }])
      await settle()
      expect(hop.commands.at(-1)).toBe('RSET')
      expect(outcomes(await deliver())).toEqual(['delivered'])
      expect(hop.connections).toBe(1)
      expect(hop.taken).toHaveLength(1)
    }
  })

  test('that pipelined DATA for nobody ends it with an empty message', async () => {
    let refusals = 1
    const answers: HopAnswers = {
      RCPT: () => (refusals-- > 0 ? '550 5.1.1 Nobody' : '250 Ok'),
      message: (text) => (text === '' ? '554 5.5.1 No recipients' : '250 2.0.0 Taken'),
    }
    const { hop, results, deliver } = staged({ extensions: ['PIPELINING'], answers })
    expect(await results).toMatchObject([{ outcome: 'failed', status: '5.1.1' }])
    await settle()
    expect(outcomes(await deliver())).toEqual(['delivered'])
    expect(hop.connections).toBe(1)
    expect(hop.taken.map(({ message }) => message)).toEqual([
      'Subject: hi\r\n\r\n.dot\r\nhello\r\n',
    ])
  })

  test('whose MAIL was refused is given up where DATA is then welcomed', async () => {
    const answers: HopAnswers = { MAIL: '550 5.7.1 No', RCPT: '250 Ok', DATA: '354 Go' }
    const { hop, results, deliver } = staged({ extensions: ['PIPELINING'], answers })
    await results
    await settle()
    await deliver()
    expect(hop.connections).toBe(2)
    expect(hop.taken).toEqual([])
  })
})

describe('a session whose terms have changed while it waited', () => {
  const enforced = (name: string) => ({ mode: 'enforce', mx: [name], maxAgeSeconds: 1 }) as const
  const tlsa = (byte: number): TlsaRecord => {
    return { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32).fill(byte) }
  }

  /** @returns with what is `said` of the exchanger, by its domain, the DNS and the operator */
  function byExchanger() {
    const said: { sts?: StsPolicy; tlsa: readonly TlsaRecord[]; level?: TlsLevel } = { tlsa: [] }
    const hop = scriptedHop({ extensions: ['STARTTLS'] })
    const scene = stage({
      route: byMx,
      zones: {
        'there.test': { mx: [{ exchange: 'mx.test', preference: 1 }] },
        'mx.test': { addresses: [address] },
      },
      hosts: { [`${address}:25`]: hop.accepted },
      pool: () => ({ idleMs: 2_000 }),
      settings: { tlsPolicy: () => said.level && { level: said.level } },
      doors: {
        stsPolicies: { find: async () => said.sts },
        secureDns: {
          isMxSecure: async () => true,
          host: async (name) => ({ secure: true, canonicalName: name }),
          tlsa: async () => ({ secure: true, records: said.tlsa }),
        },
      },
    })
    return { ...scene, hop, said }
  }

  test('carries nothing for a domain whose MTA-STS policy has come to be known', async () => {
    const { hop, results, deliver, said, handshakes } = byExchanger()
    await results
    said.sts = enforced('mx.test')
    expect(outcomes(await deliver())).toEqual(['delivered'])
    expect(handshakes).toMatchObject([{ verify: false }, { verify: true }])
    await deliver()
    expect(hop.connections).toBe(2)
    said.sts = enforced('other.test')
    expect(outcomes(await deliver())).toEqual(['deferred'])
    expect(hop.taken).toHaveLength(3)
  })

  test('carries nothing past TLSA records that are new; that they change places is nothing new', async () => {
    const { hop, results, deliver, said, handshakes } = byExchanger()
    await results
    said.tlsa = [tlsa(1), tlsa(2)]
    await deliver()
    said.tlsa = [tlsa(2), tlsa(1)]
    await deliver()
    expect(hop.connections).toBe(2)
    expect(handshakes[1]).toMatchObject({ verify: true, tlsa: [tlsa(1), tlsa(2)] })
    said.tlsa = [tlsa(3)]
    await deliver()
    expect(hop.connections).toBe(3)
  })

  test('carries nothing for an operator who has decided otherwise, and is told QUIT', async () => {
    const { hop, results, deliver, said } = byExchanger()
    await results
    said.level = 'encrypt'
    await deliver()
    expect(hop.connections).toBe(2)
    expect(hop.commands.filter((line) => line === 'QUIT')).toHaveLength(1)
  })
})

describe('a session that waited and is gone', () => {
  test.each(['421 4.4.2 Timeout', 'hang-up'])(
    'by %s at MAIL costs nothing: another is opened, and the message goes out once',
    async (text) => {
      for (const extensions of [[], ['PIPELINING']]) {
        let mails = 0
        const answers: HopAnswers = { MAIL: () => (mails++ === 1 ? text : '250 Ok') }
        const { hop, results, deliver } = staged({ extensions, answers })
        await results
        expect(outcomes(await deliver())).toEqual(['delivered'])
        expect(hop.connections).toBe(2)
        expect(hop.taken).toHaveLength(2)
      }
    },
  )

  test('after so many transactions goes on for the rest of the recipients in another', async () => {
    let mails = 0
    const answers: HopAnswers = { MAIL: () => (mails++ % 2 === 1 ? '421 4.7.0 Enough' : '250 Ok') }
    const scene = { to: ['a', 'b', 'c'], settings: { maxRecipients: 1 } }
    const { hop, results } = staged({ answers }, scene)
    expect(outcomes(await results)).toEqual(['delivered', 'delivered', 'delivered'])
    expect(hop.connections).toBe(3)
    expect(hop.taken).toHaveLength(3)
  })

  test('that was new is no reason to try a third time', async () => {
    const { hop, results } = staged({ answers: { MAIL: '421 4.7.0 Go away' } })
    expect(outcomes(await results)).toEqual(['deferred'])
    expect(hop.connections).toBe(1)
  })

  test('later than at MAIL defers, as ever', async () => {
    let messages = 0
    const answers: HopAnswers = { message: () => (messages++ === 1 ? 'hang-up' : '250 Ok') }
    const { results, deliver } = staged({ answers })
    await results
    const again = await deliver()
    expect(outcomes(again)).toEqual(['deferred'])
    expect(again[0]?.text).toContain('possible duplicate')
  })

  test('because it said 421 while it waited is not asked', async () => {
    const answers: HopAnswers = { message: '250 2.0.0 Taken\r\n421 4.4.2 Bye' }
    const { hop, results, deliver } = staged({ answers })
    await results
    await settle()
    expect(outcomes(await deliver())).toEqual(['delivered'])
    expect(hop.connections).toBe(2)
  })
})

test('a delivery that is called off does not take the session of the next one with it', async () => {
  const { hop, results, deliver, stop } = staged()
  await results
  stop.abort()
  expect(outcomes(await deliver())).toEqual(['deferred'])
  expect(hop.taken).toHaveLength(1)
})

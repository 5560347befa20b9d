import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tcpRulesOfText } from '../formats/tcprules-lookup.ts'
import { parseTcpRules } from '../formats/tcprules.ts'
import { clientEnvironments } from '../config/client-environment.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeNet } from '../testkit/fake-net.ts'
import { settled } from '../testkit/smtp-stage.ts'
import { clientIdent, parseIdent } from './client-ident.ts'

const remote = { address: '192.0.2.7', port: 6193 }
const local = { address: '203.0.113.1', port: 25 }

/** A host with an identd that says this, or nothing; what it was asked, and from where. */
async function hostThat(answers: string | undefined) {
  const net = fakeNet()
  const clock = fakeClock()
  const asked: string[] = []
  const address = { host: remote.address, port: 113 }
  await net.listen({
    address,
    accepted(connection) {
      connection.attach({
        data(chunk) {
          asked.push(`${connection.remote.address}: ${chunk.toString()}`)
          if (answers !== undefined) connection.write(answers)
        },
        ended: () => connection.end(),
        drained: () => {},
        closed: () => {},
      })
    },
    failed: () => {},
  })
  const ask = () => clientIdent({ remote, local, timeoutMs: 5_000 }, { net, clock })
  return { net, clock, asked, ask }
}

describe('a client’s host', () => {
  test('is asked from where the client came to, and says whose connection it is', async () => {
    const { ask, asked, net, clock } = await hostThat('6193, 25 : USERID : UNIX : joe\r\n')
    expect(await ask()).toBe('joe')
    expect(asked).toEqual(['203.0.113.1: 6193 , 25\r\n'])
    await settled()
    expect([net.open, clock.pending]).toEqual([0, 0])
  })

  test('that has nobody who answers says nothing', async () => {
    const nobody = { net: fakeNet(), clock: fakeClock() }
    expect(await clientIdent({ remote, local, timeoutMs: 5_000 }, nobody)).toBeUndefined()
  })

  test('is waited for no longer than the deadline', async () => {
    const { ask, net, clock } = await hostThat(undefined)
    const said = ask()
    await settled()
    clock.advance(5_000)
    expect(await said).toBeUndefined()
    await settled()
    expect(net.open).toBe(0)
  })

  test('that never ends its line is heard no further than a line may be long', async () => {
    const { ask } = await hostThat('6193,25:USERID:UNIX:'.padEnd(2_000, 'x'))
    expect(await ask()).toBeUndefined()
  })
})

describe('an answer of ident', () => {
  test.each([
    ['6193, 25 : USERID : UNIX : stjohns', 'stjohns'],
    ['6193,25:userid:OTHER,US-ASCII: a:b ', 'a:b'],
    ['6193, 25 : ERROR : NO-USER', undefined],
    ['6193, 26 : USERID : UNIX : another', undefined],
    ['25, 6193 : USERID : UNIX : turned', undefined],
    ['6193, 25 : USERID : UNIX :  ', undefined],
    ['6193, 25 : USERID : UNIX : two words', undefined],
    ['6193, 25 : USERID : UNIX', undefined],
    ['', undefined],
  ])('%j says %j', (answer, user) => {
    expect(parseIdent(answer, { remote, local })).toBe(user)
  })

  test('gives what can be in a trace field, or nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (user) => {
        const said = parseIdent(`6193,25:USERID:UNIX:${user}`, { remote, local })
        expect(said === undefined || /^[\x21-\x7e]{1,64}$/.test(said)).toBe(true)
      }),
    )
  })

  test('chooses the rule that is for this user', () => {
    const text = parseTcpRules(Buffer.from('joe@192.0.2.7:deny\n192.0.2.7:allow,WHO="all"\n'))
    const environmentOf = clientEnvironments(tcpRulesOfText(text), 'tcp.smtp')
    expect(environmentOf({ address: '192.0.2.7', info: 'joe' }).denied).toBe(true)
    expect(environmentOf({ address: '192.0.2.7', info: 'ann' }).denied).toBe(false)
    expect(environmentOf({ address: '192.0.2.7' }).denied).toBe(false)
  })
})

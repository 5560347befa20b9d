import { describe, expect, test } from 'vitest'
import { meet } from '../../testkit/next-hop-stage.ts'
import { xforwardCommands } from './xforward.ts'

const all = 'XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE'
const origin = {
  address: '2001:db8::7',
  port: 4_711,
  name: 'client.test',
  protocol: 'ESMTP',
  hello: 'a+b',
} as const
const trusting = { tellsSource: () => true }

describe('a next hop that is to know the client', () => {
  test('is told before MAIL, in one go with it', async () => {
    const { hop, result } = await meet(
      { extensions: ['PIPELINING', all] },
      { settings: trusting, envelope: { origin } },
    )
    expect(result.outcome).toBe('delivered')
    expect(hop.commands.slice(1, 4)).toEqual([
      'XFORWARD NAME=client.test ADDR=IPV6:2001:db8::7 PORT=4711 SOURCE=REMOTE IDENT=q1',
      'XFORWARD PROTO=ESMTP HELO=a+2Bb',
      'MAIL FROM:<ann@here.test>',
    ])
  })

  test('hears that there was none of a message that began here', async () => {
    const { hop } = await meet({ extensions: [all] }, { settings: trusting })
    expect(hop.commands.slice(1, 3)).toEqual([
      'XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] SOURCE=LOCAL IDENT=q1',
      'XFORWARD PROTO=[UNAVAILABLE] HELO=[UNAVAILABLE]',
    ])
  })

  test('gets the message all the same where it refuses to listen', async () => {
    const { result } = await meet(
      { extensions: [all], answers: { XFORWARD: '550 5.7.0 Not from you' } },
      { settings: trusting, envelope: { origin } },
    )
    expect(result.outcome).toBe('delivered')
  })

  test('that hangs up then has got nothing', async () => {
    const { result, hop } = await meet(
      { extensions: ['PIPELINING', all], answers: { XFORWARD: '421 4.3.2 Bye' } },
      { settings: trusting, envelope: { origin } },
    )
    expect(result.outcome).toBe('deferred')
    expect(hop.taken).toEqual([])
  })

  test('hears only what it has announced', () => {
    const source = { origin, queueId: 'q1' }
    expect(xforwardCommands(source, new Map([['XFORWARD', 'helo addr']]))).toEqual([
      'XFORWARD ADDR=IPV6:2001:db8::7',
      'XFORWARD HELO=a+2Bb',
    ])
    expect(xforwardCommands(source, new Map())).toEqual([])
  })

  test('is never told what could be read as another word', () => {
    const hello = 'x HELO=liar'
    const source = { origin: { ...origin, hello }, queueId: 'q1' }
    expect(xforwardCommands(source, new Map([['XFORWARD', 'HELO']]))).toEqual([
      'XFORWARD HELO=[UNAVAILABLE]',
    ])
  })
})

test('nobody is told of the client unless the operator says so', async () => {
  const { hop } = await meet({ extensions: [all] }, { envelope: { origin } })
  expect(hop.commands[1]).toBe('MAIL FROM:<ann@here.test>')
})

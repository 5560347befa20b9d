import { describe, expect, test } from 'vitest'
import type { Environment } from '../mail/environment.ts'
import { chainUnderTest } from '../testkit/chain-under-test.ts'
import { clientLimits } from './client-limits.ts'

const environment = (variables: Record<string, string>): Environment => ({
  variables: new Map(Object.entries(variables)),
  source: 'tcp.smtp:3',
})

describe('the limits of a client', () => {
  test('are the variables of tcpserver’s limits patch', () => {
    const rule = environment({
      MAXCONNIP: '2',
      MAXCONNC: '0',
      MAXLOAD: '150',
      DIEMSG: '421 closed',
      DIEMSG_MAXCONNIP: '421 too many',
    })
    expect(clientLimits()(rule)).toMatchObject({
      ok: true,
      limits: {
        maxConnectionsPerAddress: 2,
        maxConnectionsPerNetwork: 0,
        maxLoad: 1.5,
        texts: { address: '421 too many', network: '421 closed', load: '421 closed' },
      },
    })
  })

  test('leave the listener’s own alone where a rule says nothing of them', () => {
    const found = clientLimits()(environment({ RELAYCLIENT: '' }))
    expect(found).toMatchObject({ ok: true })
    expect(found.ok && Object.keys(found.limits)).toEqual([])
  })

  test('of a load of 0 are none', () => {
    expect(clientLimits()(environment({ MAXLOAD: '0' }))).toMatchObject({
      limits: { maxLoad: Number.POSITIVE_INFINITY },
    })
  })
})

async function greeted(variables: Record<string, string>, denied: boolean): Promise<string> {
  const chain = chainUnderTest({
    entries: [],
    environmentOf: () => ({ environment: environment(variables), denied }),
  })
  const session = chain.dial()
  const greeting = await session.connect()
  session.end('refused')
  return greeting
}

describe('a client that a rule denies', () => {
  test.each([
    [{}, '554 5.7.1 Connection refused'],
    [{ DIEMSG: 'go away' }, '554 5.7.1 go away'],
    [{ DIEMSG: '421 come back on Monday' }, '421 4.7.1 come back on Monday'],
    [{ DIEMSG: '550 go away' }, '554 5.7.1 go away'],
  ])('with %j hears %s', async (variables, greeting) => {
    expect(await greeted(variables, true)).toBe(greeting)
  })
})

test('a limit that does not parse defers the client', async () => {
  expect(await greeted({ MAXCONNIP: 'many' }, false)).toMatch(/^421 4\.3\.0 /)
})

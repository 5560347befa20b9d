import { describe, expect, test } from 'vitest'
import { sessionFacts, type FactsRequest } from './session-facts.ts'

const request = (variables: ReadonlyMap<string, string>): FactsRequest => ({
  facts: {
    id: 's1',
    startedAt: 0,
    listener: 'mx',
    remote: { address: '192.0.2.1', port: 40_000 },
    local: { address: '192.0.2.9', port: 25 },
  },
  session: undefined,
  environment: { variables, source: 'handed over by tcpserver' },
  login: undefined,
  mail: undefined,
  recipients: undefined,
  message: undefined,
  headBytes: 0,
})

describe('what is kept of a session', () => {
  test('is without variables whose names promise a secret, and says that some are missing', () => {
    const variables = new Map([
      ['RELAYCLIENT', ''],
      ['REQUIREAUTH', '1'],
      ['DB_PASSWORD', 'hunter2'],
      ['GITHUB_TOKEN', 'ghp_1'],
      ['AWS_SECRET_ACCESS_KEY', 'wJalr'],
    ])
    const facts = sessionFacts(request(variables))
    expect(facts.environment).toEqual({ RELAYCLIENT: '', REQUIREAUTH: '1' })
    expect(facts.cut).toBe('secret variables')
  })

  test('names what was too much, and keeps none of it', () => {
    const facts = sessionFacts(request(new Map([['LONG', 'x'.repeat(9000)]])))
    expect(facts.environment).toEqual({})
    expect(facts.cut).toBe('variables')
  })
})

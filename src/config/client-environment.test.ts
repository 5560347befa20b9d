import { expect, test } from 'vitest'
import { parseTcpRules } from '../formats/tcprules.ts'
import { tcpRulesOfText } from '../formats/tcprules-lookup.ts'
import { clientEnvironments } from './client-environment.ts'

const text = '192.0.2.:allow,RELAYCLIENT=""\n203.0.113.9:deny\n[2001:db8::]/32:allow,A="1"\n'
const environmentOf = clientEnvironments(
  tcpRulesOfText(parseTcpRules(new TextEncoder().encode(text), { extended: true })),
  'config/tcp.smtp',
)

test('a client gets the variables of its rule, and the rule is named with its line', () => {
  const { environment, denied } = environmentOf({ address: '192.0.2.7' })
  expect(denied).toBe(false)
  expect([...environment.variables]).toEqual([['RELAYCLIENT', '']])
  expect(environment.source).toBe('config/tcp.smtp:1 (192.0.2.)')
})

test('clients that one rule matches share one environment', () => {
  const first = environmentOf({ address: '192.0.2.7' }).environment
  expect(environmentOf({ address: '192.0.2.8' }).environment).toBe(first)
})

test('a client whose name somebody has looked up may get the rule of its name', () => {
  const rules = '=spike.test:allow,RELAYCLIENT=""\n:allow\n'
  const ruleFor = clientEnvironments(
    tcpRulesOfText(parseTcpRules(new TextEncoder().encode(rules), { extended: true })),
    'config/tcp.smtp',
  )
  const named = ruleFor({ address: '192.0.2.7', host: 'spike.test' })
  expect(named.environment.source).toBe('config/tcp.smtp:1 (=spike.test)')
  expect(ruleFor({ address: '192.0.2.7' }).environment.variables.size).toBe(0)
})

test('a rule may deny, may cover an IPv6 network, and may be missing', () => {
  expect(environmentOf({ address: '203.0.113.9' }).denied).toBe(true)
  expect(environmentOf({ address: '2001:db8::9' }).environment.variables.get('A')).toBe('1')
  expect(environmentOf({ address: '198.51.100.1' })).toMatchObject({
    denied: false,
    environment: { source: 'none' },
  })
})

import { describe, expect, test } from 'vitest'
import { holdsBounce, type UnauthenticatedRules } from './unauthenticated.ts'

const rules: UnauthenticatedRules = {
  defaultHost: 'here.test',
  accepted: { find: (domain) => (domain === 'elsewhere.test' ? undefined : domain) },
  isLocal: ({ domain }) => domain === 'here.test',
  validated: new Set(['known.test']),
}
const to = (domain: string) => ({ mailbox: { localPart: 'joe', domain } })

describe('the bounce of a message that nobody logged in for', () => {
  test.each([
    ['is held where a domain is taken and passed on', 'relayed.test', true],
    ['is held however the domain is spelled', 'RELAYED.test', true],
    ['is sent where the recipients of such a domain are known', 'known.test', false],
    ['is sent where the domain is local', 'here.test', false],
    ['is sent where a recipient without a domain is local', '', false],
    ['is sent where only who may relay can send to it', 'elsewhere.test', false],
  ])('%s', (_, domain, held) => {
    expect(holdsBounce(to(domain), rules)).toBe(held)
  })

  test('goes by what the operator says, whatever the domain', () => {
    expect(holdsBounce(to('relayed.test'), { ...rules, rule: 'send' })).toBe(false)
    expect(holdsBounce(to('here.test'), { ...rules, rule: 'hold' })).toBe(true)
  })
})

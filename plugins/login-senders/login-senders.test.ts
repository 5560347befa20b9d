import { describe, expect, test } from 'vitest'
import type { JsonObject } from 'postern/plugin'
import { memoryAccounts, pluginUnderTest } from 'postern/testkit'
import { loginSenders } from './login-senders.ts'

const table = `
alice@example.org  sales@example.org, @example.net
carol              *@example.com
root               *
*                  noreply@example.org
`
const made = (options: JsonObject = {}) =>
  pluginUnderTest(loginSenders, { files: { 'tables/login-senders': table }, options })
const as = (user: string) => ({ session: { user } })
const verdictOf = async (user: string, path: string, options: JsonObject = {}) =>
  (await made(options).mail(path, as(user))).verdict

describe('login-senders', () => {
  test('an alias of the domain is another name of the same address', async () => {
    const accounts = memoryAccounts([])
    await accounts.putDomainAlias({ name: 'other.test', domain: 'main.test' })
    const plugin = pluginUnderTest(loginSenders, { doors: { accounts } })
    const verdict = async (path: string, user = 'al@main.test') =>
      (await plugin.mail(path, as(user))).verdict
    expect(await verdict('al@Other.test')).toBe('pass')
    expect(await verdict('al+x@other.test')).toBe('pass')
    expect(await verdict('bo@other.test')).toBe('reject')
    expect(await verdict('al@other.test', 'al@third.test')).toBe('reject')
  })

  test.each([
    ['alice@example.org', 'alice@example.org'],
    ['Alice@example.org', 'ALICE@EXAMPLE.ORG'],
    ['alice@example.org', 'alice+shop@example.org'],
    ['alice@example.org', 'sales@example.org'],
    ['alice@example.org', 'anybody@example.net'],
    ['alice@example.org', 'noreply@example.org'],
    ['alice@example.org', ''],
    ['bob', 'bob@mx.postern.test'],
    ['carol', 'x@example.com'],
    ['root', 'whoever@wherever.test'],
  ])('%s may send from <%s>', async (user, path) => {
    expect(await verdictOf(user, path)).toBe('pass')
  })

  test.each([
    ['alice@example.org', 'bob@example.org'],
    ['alice@example.org', 'alice@example.com'],
    ['alice@example.org', 'x@sub.example.net'],
    ['bob', 'bob@example.org'],
    ['carol', 'x@example.com.test'],
    ['not an address', 'x@example.org'],
    ['@example.org', 'x@example.org'],
    ['*', 'x@wherever.test'],
  ])('%s may not send from <%s>', async (user, path) => {
    expect(await made().mail(path, as(user))).toEqual({
      verdict: 'reject',
      status: '5.7.1',
      text: 'Your login may not send from this address',
      close: false,
      reason: 'SENDER_NOT_OWNED',
      evidence: { login: user, reversePath: `<${path}>` },
    })
  })

  test('who has not logged in is not asked about', async () => {
    expect(await made().mail('whoever@wherever.test')).toEqual({ verdict: 'pass' })
  })

  test.each([
    [{ own: false }, 'alice@example.org', 'alice@example.org'],
    [{ separator: '' }, 'alice@example.org', 'alice+shop@example.org'],
    [{ null_path: false }, 'alice@example.org', ''],
  ])('with %j %s may not send from <%s>', async (options, user, path) => {
    expect(await verdictOf(user, path, options)).toBe('reject')
  })

  test('logins without a domain get the one that is configured', async () => {
    expect(await verdictOf('bob', 'bob@example.org', { domain: 'example.org' })).toBe('pass')
    expect(await verdictOf('bob', 'bob@mx.postern.test', { domain: 'example.org' })).toBe('reject')
  })

  test('the table is followed', async () => {
    const plugin = made()
    plugin.files.set('tables/login-senders', 'bob @example.org')
    expect((await plugin.mail('x@example.org', as('bob'))).verdict).toBe('pass')
    expect((await plugin.mail('sales@example.org', as('alice@example.org'))).verdict).toBe('reject')
  })
})

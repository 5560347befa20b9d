import { expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { revokedTags } from './revoked-tags.ts'

const files = { 'tables/revoked-tags': '# given to a shop that sold it\nbob+shop@example.org\n' }

test('an address whose tag is revoked is refused', async () => {
  expect(await pluginUnderTest(revokedTags, { files }).rcpt('bob+shop@example.org')).toMatchObject({
    verdict: 'reject',
    status: '5.1.1',
    reason: 'TAG_REVOKED',
  })
})

test.each(['bob@example.org', 'bob+friends@example.org', 'bob-shop@example.org'])(
  '%s is passed over',
  async (recipient) => {
    const plugin = pluginUnderTest(revokedTags, { files })
    expect(await plugin.rcpt(recipient)).toEqual({ verdict: 'pass' })
  },
)

test('a tcp.smtp rule may set another separator for its clients', async () => {
  const plugin = pluginUnderTest(revokedTags, {
    files: { 'tables/revoked-tags': 'bob-shop@example.org' },
    environment: { TAGSEPARATOR: '-' },
  })
  expect(await plugin.rcpt('bob-shop@example.org')).toMatchObject({ verdict: 'reject' })
})

test('a tag that is revoked while the gateway runs is refused from then on', async () => {
  const plugin = pluginUnderTest(revokedTags)
  expect(await plugin.rcpt('bob+shop@example.org')).toMatchObject({ verdict: 'pass' })
  plugin.files.set('tables/revoked-tags', 'bob+shop@example.org')
  expect(await plugin.rcpt('bob+shop@example.org')).toMatchObject({ verdict: 'reject' })
})

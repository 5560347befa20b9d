import { describe, expect, test } from 'vitest'
import { validRecipients, type Territory } from './valid-recipients.ts'

const account = (name: string, files: readonly string[]): readonly Territory[] => [
  { prefix: name, exact: true, dash: '', extension: '', files },
  { prefix: `${name}-`, exact: false, dash: '-', extension: '', files },
]
const alias = (files: readonly string[]): Territory => ({
  prefix: '',
  exact: false,
  dash: '-',
  extension: '',
  files,
})
const here = [{ domain: 'd', prefix: '' }]

function keys(...call: Parameters<typeof validRecipients>): readonly string[] {
  return [...validRecipients(...call)].map(([key, valid]) => (valid ? key : `${key} -`)).toSorted()
}

describe('the recipients of a host', () => {
  test('are its accounts, their extensions, and the files of alias', () => {
    const joe = account('joe', ['', '-shop', '-a.b', '-list-default', '-list'])
    expect(keys([...joe, alias(['-postmaster', '-news-default'])], here)).toEqual([
      'joe-a.b@d',
      'joe-list-default@d',
      'joe-list@d',
      'joe-shop@d',
      'joe@d',
      'news-default@d',
      'postmaster@d',
    ])
  })

  test('are everybody where alias has a default, but for what is somebody else’s', () => {
    const people = [...account('joe', ['-x']), ...account('ann', ['-default'])]
    expect(keys([...people, alias(['-default', '-joe-y'])], here)).toEqual([
      '@d',
      'ann-default@d',
      'ann@d',
      'joe-default@d -',
      'joe-x@d',
      'joe@d',
    ])
  })

  test('of a virtual domain are what its owner has files for', () => {
    const files = ['-virt-sales', '-virt-info-default', '-other']
    const virtual = [{ domain: 'v', prefix: 'joe-virt-' }]
    expect(keys([...account('joe', files), alias(['-default'])], virtual)).toEqual([
      'info-default@v',
      'sales@v',
    ])
    expect(keys(account('joe', [...files, '-virt-default']), virtual)).toContain('@v')
    expect(keys(account('joe', [...files, '-default']), virtual)).toContain('@v')
  })

  test('are those whom control/virtualdomains names alone, whatever becomes of their domain', () => {
    const people = [
      ...account('joe', ['-default']),
      ...account('ann', ['-v-one', '-v-two-default']),
    ]
    const virtual = [{ domain: 'v', prefix: 'joe-' }]
    const alone = ['one', 'two-x', 'none'].map((name) => ({
      address: `${name}@v`,
      local: `ann-v-${name}`,
    }))
    expect([...validRecipients(people, virtual, alone)]).toEqual([
      ['one@v', true],
      ['two-x@v', true],
      ['none@v', false],
      ['@v', true],
    ])
  })

  test('of users/assign are exact lines that have a file, and prefixes with what stands behind them', () => {
    const files = ['-shmoe', '-t-one']
    const exact = { exact: true, dash: '-', files }
    const territories = [
      { ...exact, prefix: 'joe.shmoe', extension: 'shmoe' },
      { ...exact, prefix: 'nofile', extension: 'none' },
      { exact: false, prefix: 'team-', dash: '-', extension: 't-', files },
    ]
    expect(keys(territories, here)).toEqual(['joe.shmoe@d', 'team-one@d'])
  })

  test('of a domain of vpopmail are its mailboxes and its .qmail files, unless it takes everybody', () => {
    const domain = {
      prefix: 'v.test-',
      exact: false,
      dash: '-',
      extension: '',
      files: ['-default', '-list', '-list-default'],
    }
    const virtual = [{ domain: 'v.test', prefix: 'v.test-' }]
    expect(keys([{ ...domain, mailboxes: ['bob'] }], virtual)).toEqual([
      'bob@v.test',
      'list-default@v.test',
      'list@v.test',
    ])
    expect(keys([domain], virtual)).toContain('@v.test')
  })
})

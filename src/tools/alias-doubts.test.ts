import { expect, test } from 'vitest'
import { userDirectory } from '../delivery/local/user-directory.ts'
import { parseAssign } from '../formats/assign.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { aliasDoubts } from './alias-doubts.ts'

const assign = '=joe:joe:500:500:/home/joe:::\n+:alias:501:501:/alias:-::\n.\n'
const qualifiers = { defaultHost: 'h.test', defaultDomain: 'h.test', plusDomain: 'h.test' }

function doubts(files: Readonly<Record<string, string>>) {
  const disk = fakeDisk(files)
  const assignments = parseAssign(Buffer.from(assign)).value
  const directory = userDirectory({
    disk,
    assignments: () => assignments,
    accounts: async () => undefined,
    alias: async () => undefined,
  })
  return aliasDoubts({ control: { locals: new Set(['h.test']), ...qualifiers }, directory, disk })
}

const rest = '| fastforward -d /etc/aliases.cdb\n'

test.each([
  rest,
  '|postern fastforward -p /etc/aliases\n./Mailbox\n',
  '|/usr/bin/fastforward -dp ../etc/aliases\n',
])(
  'an alias that leads back to itself is told with file and line, where alias has %j',
  async (line) => {
    const files = { '/alias/.qmail-default': line, '/etc/aliases': 'x: joe\nann: ann, joe\n' }
    expect(await doubts(files)).toEqual([
      {
        file: '/etc/aliases',
        line: 2,
        problem:
          'the alias leads back to itself (ann -> ann): that copy goes round until it bounces',
        remedy:
          'name an address that is not in this file; who is no user of the host has no mailbox',
        code: 'alias-circle',
      },
    ])
  },
)

test('what ends with a user, or with a .qmail file of its own, goes round for nobody', async () => {
  const files = {
    '/alias/.qmail-default': rest,
    '/alias/.qmail-bob': './Mailbox\n',
    '/etc/aliases': 'joe: joe, ann\na: bob\nbob: a\n',
  }
  expect(await doubts(files)).toEqual([])
})

test('a line that makes the file useless is told; where nobody reads it, nothing is', async () => {
  const files = { '/etc/aliases': 'a: /var/mail/a\n' }
  expect(await doubts({ ...files, '/alias/.qmail-default': rest })).toMatchObject([
    { line: 1, problem: expect.stringContaining('file delivery /var/mail/a not supported') },
  ])
  expect(await doubts({ ...files, '/alias/.qmail-default': 'joe\n' })).toEqual([])
})

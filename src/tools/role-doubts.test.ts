import { expect, test } from 'vitest'
import { userDirectory } from '../delivery/local/user-directory.ts'
import { parseAssign } from '../formats/assign.ts'
import { parseVirtualDomains } from '../formats/control-domains.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { roleDoubts } from './role-doubts.ts'

const assign = `=joe:joe:500:500:/home/joe:::
+joe-:joe:500:500:/home/joe:-::
+:alias:501:501:/alias:-::
.
`
const virtual =
  'virt.test:joe-virt\nsuits.test:joe-suits\n.below.test:joe\nbob@only.test:joe\nnot.test:\nother.test:joe-none\n'

function doubts(files: Readonly<Record<string, string>>, virtualDomains = '') {
  const disk = fakeDisk({ '/home/joe/Maildir/new/.k': '', '/alias/.k': '', ...files })
  const assignments = parseAssign(Buffer.from(assign)).value
  const directory = userDirectory({
    disk,
    assignments: () => assignments,
    accounts: async () => undefined,
    alias: async () => undefined,
  })
  const control = {
    me: 'Mx.test',
    locals: new Set(['mx.test', 'other.test']),
    virtualDomains: parseVirtualDomains(Buffer.from(virtualDomains)).value,
  }
  return { all: roleDoubts({ control, directory, disk, clock: fakeClock() }), disk, control }
}

test('roles of this host without a .qmail file are told, those that have one or a default are not', async () => {
  expect(await doubts({ '/alias/.qmail-root': 'joe\n', '/alias/.qmail-abuse': '' }).all).toEqual([
    {
      file: 'control/locals',
      problem: 'mail for postmaster@Mx.test, mailer-daemon@Mx.test reaches nobody',
      remedy: 'write .qmail files for them, in the home of alias',
      code: 'no-postmaster',
    },
  ])
  expect(await doubts({ '/alias/.qmail-default': 'joe\n' }).all).toEqual([])
})

test('so are those of virtual domains, each by the files of its user', async () => {
  const files = {
    '/alias/.qmail-default': 'joe\n',
    '/home/joe/.qmail-virt-postmaster': 'joe\n',
    '/home/joe/.qmail-suits-default': 'joe\n',
  }
  expect(await doubts(files, virtual).all).toMatchObject([
    { file: 'control/virtualdomains', problem: 'mail for abuse@virt.test reaches nobody' },
  ])
})

test('nothing is said where every name has a Maildir, or where nobody can look', async () => {
  const { control, disk } = doubts({})
  const clock = fakeClock()
  expect(await roleDoubts({ control, directory: undefined, disk, clock })).toEqual([])
  let asked = 0
  const find = async (): Promise<never> => {
    asked += 1
    throw new Error('damaged')
  }
  expect(await roleDoubts({ control, directory: { find }, disk, clock })).toEqual([])
  expect(asked).toBe(1)
})

test('a directory service that is slow is not asked for everybody', async () => {
  const { control, disk } = doubts({}, virtual)
  const clock = fakeClock()
  const find = async (): Promise<undefined> => {
    clock.advance(1_500)
    return undefined
  }
  const [{ problem } = expect.fail(), ...more] = await roleDoubts({
    control,
    directory: { find },
    disk,
    clock,
  })
  expect(problem).toBe('mail for postmaster@Mx.test, mailer-daemon@Mx.test reaches nobody')
  expect(more).toEqual([])
})

import { expect, test } from 'vitest'
import { fakePrograms } from '../../testkit/fake-programs.ts'
import { deliverAsUser } from './as-user.ts'
import { becomeUser } from './become-user.ts'

const address = { user: 'joe', home: '/home/joe', local: 'joe', dash: '', extension: '' }
const delivery = {
  address: { ...address, host: 'b.test', sender: 'a@c.test' },
  message: async function* message() {
    yield Buffer.from('S: x\n\n')
  },
  defaultDelivery: './Maildir/\n',
  environment: new Map(),
}

async function outcomeOf(exit: number): Promise<string> {
  const programs = fakePrograms({ '/bin/postern': () => ({ exit }) })
  const forward = async () => ({ queued: 'x' })
  const parts = { programs, program: ['/bin/postern', 'local'] as const }
  const deliver = becomeUser({
    forward,
    deliver: (delivery, owner, signal) => deliverAsUser(parts, { delivery, owner }, signal),
  })
  const { signal } = new AbortController()
  return (await deliver(delivery, { uid: 1000, gid: 1000 }, signal)).outcome
}

test('a delivery as the user says delivered, never, or later', async () => {
  expect([await outcomeOf(0), await outcomeOf(100), await outcomeOf(111)]).toEqual([
    'delivered',
    'failed',
    'deferred',
  ])
})

test.each([1, 2, 13, 127])(
  'a process that could not do its work (exit code %i) bounces nothing',
  async (exit) => {
    expect(await outcomeOf(exit)).toBe('deferred')
  },
)
